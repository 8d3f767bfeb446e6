import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("api", "0001_kept_answers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CallsOfCaller",
            fields=[
                (
                    "caller",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("minute_at", models.DateTimeField()),
                ("calls", models.IntegerField()),
            ],
            options={"db_table": "calls_of_caller"},
        ),
        # It counts for a minute: nothing waits for the disk, and a crash may forget it.
        migrations.RunSQL("ALTER TABLE calls_of_caller SET UNLOGGED", migrations.RunSQL.noop),
    ]
