import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0003_pre_staff_key")]
    operations = [
        migrations.CreateModel(
            name="Policy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("source", models.TextField(blank=True)),
                ("rules", models.JSONField(default=dict)),
                ("packs", models.JSONField(default=list)),
                ("jurisdictions", models.JSONField(default=list)),
                ("industries", models.JSONField(default=list)),
                ("based_on", models.PositiveIntegerField(default=0)),
                ("author", models.CharField(max_length=40)),
                ("written_at", models.DateTimeField()),
                ("published_by", models.CharField(blank=True, max_length=40)),
                ("published_at", models.DateTimeField(null=True)),
                ("config_version", models.PositiveIntegerField(default=0)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="policies", to="store.client"
                    ),
                ),
            ],
            options={
                "db_table": "policy",
                "constraints": [models.UniqueConstraint(fields=("client", "number"), name="policy_number")],
            },
        ),
    ]
