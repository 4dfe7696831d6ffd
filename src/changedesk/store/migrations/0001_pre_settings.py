"""The tables that people edit, and a trigger that keeps the record of their edits."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# The application's role has no UPDATE or DELETE here either (config/roles.sql); the trigger also stops the owner's slips.
KEEP_CONFIG_CHANGES = """
CREATE FUNCTION config_change_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'config_change rows are only ever added' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER config_change_is_kept BEFORE UPDATE OR DELETE ON config_change
    FOR EACH STATEMENT EXECUTE FUNCTION config_change_is_kept();
"""
FORGET_TRIGGER = "DROP FUNCTION config_change_is_kept() CASCADE;"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Person',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('email', models.CharField(max_length=254, unique=True)),
                ('display_name', models.CharField(max_length=120)),
                ('language', models.CharField(default='en', max_length=12)),
                ('shortcuts_off', models.BooleanField(default=False)),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'db_table': 'person',
            },
        ),
        migrations.CreateModel(
            name='Client',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('color', models.CharField(default='#3b5bdb', max_length=7)),
                ('packs', models.JSONField(default=list)),
                ('jurisdictions', models.JSONField(default=list)),
                ('industries', models.JSONField(default=list)),
                ('languages', models.JSONField(default=list)),
                ('default_language', models.CharField(default='en', max_length=12)),
                ('time_zone', models.CharField(default='UTC', max_length=64)),
                ('default_region', models.CharField(default='US', max_length=2)),
                ('ledger_origin', models.CharField(max_length=200, unique=True)),
                ('sender_name', models.CharField(blank=True, max_length=120)),
                ('sender_email', models.CharField(blank=True, max_length=254)),
                ('support_phone', models.CharField(blank=True, max_length=40)),
                ('support_url', models.CharField(blank=True, max_length=200)),
                ('config_version', models.PositiveIntegerField(default=1)),
                ('active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'db_table': 'client',
            },
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('prefix', models.CharField(max_length=24, unique=True)),
                ('secret_hash', models.CharField(max_length=64)),
                ('scopes', models.JSONField(default=list)),
                ('entry_point', models.CharField(max_length=60)),
                ('created_by', models.CharField(max_length=40)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('last_used_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_keys', to='store.client')),
            ],
            options={
                'db_table': 'api_key',
            },
        ),
        migrations.CreateModel(
            name='ClientRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule_id', models.CharField(max_length=80)),
                ('version', models.PositiveIntegerField(default=1)),
                ('data', models.JSONField(default=dict)),
                ('active', models.BooleanField(default=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rules', to='store.client')),
            ],
            options={
                'db_table': 'client_rule',
                'constraints': [models.UniqueConstraint(fields=('client', 'rule_id', 'version'), name='client_rule_version'), models.UniqueConstraint(condition=models.Q(('active', True)), fields=('client', 'rule_id'), name='client_rule_one_active')],
            },
        ),
        migrations.CreateModel(
            name='ConfigChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('actor', models.CharField(max_length=40)),
                ('verb', models.CharField(max_length=40)),
                ('target', models.CharField(max_length=120)),
                ('old', models.JSONField(default=dict)),
                ('new', models.JSONField(default=dict)),
                ('config_version', models.PositiveIntegerField(default=0)),
                ('at', models.DateTimeField()),
                ('client', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='config_changes', to='store.client')),
            ],
            options={
                'db_table': 'config_change',
                'indexes': [models.Index(fields=['client', '-id'], name='config_change_newest')],
            },
        ),
        migrations.CreateModel(
            name='FieldSetting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(max_length=80)),
                ('data', models.JSONField(default=dict)),
                ('active', models.BooleanField(default=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='field_settings', to='store.client')),
            ],
            options={
                'db_table': 'field_setting',
                'constraints': [models.UniqueConstraint(fields=('client', 'path'), name='field_setting_one_per_path')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('roles', models.JSONField(default=list)),
                ('team', models.CharField(blank=True, max_length=60)),
                ('active', models.BooleanField(default=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='store.client')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'membership',
                'constraints': [models.UniqueConstraint(fields=('client', 'person'), name='membership_one_per_client')],
            },
        ),
        migrations.CreateModel(
            name='MessageTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.CharField(max_length=60)),
                ('channel', models.CharField(max_length=20)),
                ('language', models.CharField(max_length=12)),
                ('subject', models.CharField(blank=True, max_length=200)),
                ('body', models.TextField()),
                ('version', models.PositiveIntegerField(default=1)),
                ('active', models.BooleanField(default=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='templates', to='store.client')),
            ],
            options={
                'db_table': 'message_template',
                'constraints': [models.UniqueConstraint(fields=('client', 'event', 'channel', 'language', 'version'), name='message_template_version'), models.UniqueConstraint(condition=models.Q(('active', True)), fields=('client', 'event', 'channel', 'language'), name='message_template_one_active')],
            },
        ),
        migrations.CreateModel(
            name='StatementWording',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('statement', models.CharField(max_length=80)),
                ('language', models.CharField(max_length=12)),
                ('wording', models.TextField()),
                ('version', models.PositiveIntegerField(default=1)),
                ('active', models.BooleanField(default=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='store.client')),
            ],
            options={
                'db_table': 'statement_wording',
                'constraints': [models.UniqueConstraint(fields=('client', 'statement', 'language', 'version'), name='statement_wording_version'), models.UniqueConstraint(condition=models.Q(('active', True)), fields=('client', 'statement', 'language'), name='statement_wording_one_active')],
            },
        ),
        migrations.RunSQL(KEEP_CONFIG_CHANGES, FORGET_TRIGGER),
    ]
