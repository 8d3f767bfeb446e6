import uuid

from django.db import migrations, models

import followup.core.clock

KEEP = """
CREATE FUNCTION programme_stays_as_loaded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a loaded programme never changes: load a new version' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER programme_stays_as_loaded BEFORE UPDATE ON programme
    FOR EACH ROW EXECUTE FUNCTION programme_stays_as_loaded();
"""
LET_GO = "DROP TRIGGER programme_stays_as_loaded ON programme; DROP FUNCTION programme_stays_as_loaded();"


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Programme",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=40)),
                ("version", models.PositiveIntegerField()),
                ("data", models.JSONField()),
                ("sha", models.CharField(max_length=64)),
                ("signed", models.BooleanField()),
                ("loaded_at", models.DateTimeField(default=followup.core.clock.now)),
            ],
            options={
                "db_table": "programme",
                "constraints": [
                    models.UniqueConstraint(fields=["key", "version"], name="programme_version_once"),
                    models.CheckConstraint(condition=models.Q(("version__gte", 1)), name="programme_version_from_one"),
                ],
            },
        ),
        migrations.RunSQL(KEEP, LET_GO),
    ]
