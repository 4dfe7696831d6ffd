from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("store", "0004_pre_policy")]
    operations = [
        migrations.AddField("client", "limits", models.JSONField(default=dict)),
        migrations.AddField("policy", "limits", models.JSONField(default=dict)),
    ]
