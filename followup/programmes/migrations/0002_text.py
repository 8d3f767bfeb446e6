import django.db.models.deletion
from django.db import migrations, models

MOVE = "INSERT INTO programme_text (sha, data) SELECT sha, data FROM programme;"
KEEP = """
CREATE TRIGGER programme_stays_as_loaded BEFORE UPDATE ON programme_text
    FOR EACH ROW EXECUTE FUNCTION programme_stays_as_loaded();
"""
LET_GO = "DROP TRIGGER programme_stays_as_loaded ON programme_text;"


class Migration(migrations.Migration):
    dependencies = [("programmes", "0001_programme")]

    operations = [
        migrations.CreateModel(
            name="Text",
            fields=[
                ("sha", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("data", models.JSONField()),
            ],
            options={"db_table": "programme_text"},
        ),
        migrations.RunSQL(MOVE),
        migrations.RunSQL(KEEP, LET_GO),
        migrations.RemoveField("programme", "data"),
        migrations.RenameField("programme", "sha", "text"),
        migrations.AlterField(
            "programme",
            "text",
            models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, to="programmes.text"),
        ),
    ]
