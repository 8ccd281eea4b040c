//! Statements for tables of all kinds, and what those lack that get none.

use hub_actors::table::Table;

use super::super::results::{Column, insert};

/// `name type`, with a `!` where the values are unique, and a `*` after it where there must be one.
fn columns(text: &str) -> Vec<Column> {
    let column = |text: &str| {
        let required = text.ends_with('*');
        let text = text.trim_end_matches('*');
        let unique = text.ends_with('!');
        let (name, kind) = text.trim_end_matches('!').trim().split_once(' ').unwrap();
        Column {
            name: name.to_owned(),
            kind: kind.to_owned(),
            unique,
            required,
        }
    };
    text.split(',').map(column).collect()
}

fn made(text: &str) -> Result<String, String> {
    let table = Table::new("hub_results").unwrap();
    insert(&table, &columns(text)).map(|insert| insert.to_string())
}

#[test]
fn our_table() {
    assert_eq!(
        made("id uuid!,payload jsonb,created_at timestamptz").unwrap(),
        "INSERT INTO \"hub_results\" (id, payload, created_at) \
         SELECT i, p::jsonb, c::timestamptz \
         FROM unnest($1::uuid[], $2::text[], $3::text[]) AS r (i, p, c) \
         ON CONFLICT (id) DO NOTHING"
    );
}

#[test]
fn tables_of_before() {
    let before = made("id int4!,payload jsonb,created_at text,hub_id uuid!").unwrap();
    assert!(before.contains("(hub_id, payload, created_at) SELECT i, p::jsonb, c::text"));
    assert!(
        before.ends_with("ON CONFLICT (hub_id) DO NOTHING"),
        "{before}"
    );
    let local = made("id uuid!,payload varchar,created_at timestamp").unwrap();
    assert!(
        local.contains("p::text, c::timestamptz AT TIME ZONE 'UTC'"),
        "{local}"
    );
    let timeless = made("id uuid!,payload json,created_at int8").unwrap();
    assert!(
        timeless.contains("(id, payload) SELECT i, p::json FROM"),
        "{timeless}"
    );
}

#[test]
fn what_a_table_lacks_is_said_as_what_to_run() {
    for (columns, run) in [
        ("id int4!,payload jsonb", "ADD COLUMN hub_id uuid UNIQUE;"),
        (
            "id text!*,hub_id uuid!,payload jsonb",
            "ALTER COLUMN \"id\" SET DEFAULT gen_random_uuid()::text;",
        ),
        (
            "id uuid!*,payload jsonb*,created_at int8*",
            "ALTER COLUMN \"created_at\" DROP NOT NULL;",
        ),
        (
            "id uuid!*,payload jsonb*,created_at text*,who text*",
            "ALTER COLUMN \"who\" SET DEFAULT",
        ),
        ("id uuid,payload jsonb", "ADD COLUMN hub_id uuid UNIQUE;"),
        ("id int4!,payload jsonb,hub_id uuid", "ADD UNIQUE (hub_id);"),
        (
            "id int4!,payload jsonb,hub_id text!",
            "RENAME COLUMN hub_id TO old_hub_id;",
        ),
        ("id uuid!", "ADD COLUMN payload jsonb;"),
        ("id uuid!,payload bytea", "ALTER COLUMN payload TYPE jsonb"),
    ] {
        let sentence = made(columns).unwrap_err();
        let expected = format!("ALTER TABLE \"hub_results\" {run}");
        assert!(sentence.contains(&expected), "{columns}: {sentence}");
    }
}
