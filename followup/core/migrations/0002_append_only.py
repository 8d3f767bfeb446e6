"""The journal and its seals can be added to and read, nothing else."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
"""
ON_TABLE = """
CREATE TRIGGER {table}_rows_stay BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER {table}_stays BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.RunSQL(
            REFUSE + ON_TABLE.format(table="journal") + ON_TABLE.format(table="journal_seal"),
            "DROP TRIGGER journal_rows_stay ON journal; DROP TRIGGER journal_stays ON journal;"
            "DROP TRIGGER journal_seal_rows_stay ON journal_seal; DROP TRIGGER journal_seal_stays ON journal_seal;"
            "DROP FUNCTION refuse_change();",
        )
    ]
