//! Lists as tables, JSON or CSV. Columns are written once: what people see, and what programs read.

use std::time::Duration;

use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use node::api::dto::List;
use serde::Serialize;

use crate::render::{self, short};

/// Clears the terminal and goes to its first cell.
pub(crate) const CLEAR: &str = "\x1b[2J\x1b[H";

/// How a list is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Output {
    /// For people, fitted to the terminal.
    #[default]
    Table,
    /// As the API says it.
    Json,
    /// For spreadsheets (RFC 4180): numbers without units, times in UTC.
    Csv,
}

impl Output {
    /// `--json` stands for `--output json`.
    pub(crate) const fn or_json(self, json: bool) -> Self {
        if json { Self::Json } else { self }
    }
}

/// A column of a list of `T`.
pub(crate) struct Column<T> {
    /// Its head in a table.
    head: &'static str,
    /// Its name in CSV, with its unit.
    name: &'static str,
    /// On which side it is even.
    alignment: CellAlignment,
    /// What people see.
    shown: Shown<T>,
    /// What programs read.
    raw: fn(&T) -> String,
}

enum Shown<T> {
    /// What programs read too.
    Raw,
    /// Its two ends.
    Short,
    /// Something else, like a number with its unit.
    As(fn(&T) -> String),
}

impl<T> Column<T> {
    /// Words, which are the same for everybody.
    pub(crate) const fn text(head: &'static str, name: &'static str, raw: fn(&T) -> String) -> Self {
        Self { head, name, alignment: CellAlignment::Left, shown: Shown::Raw, raw }
    }

    /// An identifier, of which people see the ends.
    pub(crate) const fn id(head: &'static str, name: &'static str, raw: fn(&T) -> String) -> Self {
        Self { shown: Shown::Short, ..Self::text(head, name, raw) }
    }

    /// A number without a unit.
    pub(crate) const fn count(head: &'static str, name: &'static str, raw: fn(&T) -> String) -> Self {
        Self { alignment: CellAlignment::Right, ..Self::text(head, name, raw) }
    }

    /// A number, and how people see it.
    pub(crate) const fn number(
        head: &'static str,
        name: &'static str,
        shown: fn(&T) -> String,
        raw: fn(&T) -> String,
    ) -> Self {
        Self { shown: Shown::As(shown), ..Self::count(head, name, raw) }
    }

    fn shown(&self, row: &T) -> String {
        match self.shown {
            Shown::Raw => (self.raw)(row),
            Shown::Short => short(&(self.raw)(row)),
            Shown::As(shown) => shown(row),
        }
    }
}

/// Prints a list; `empty` is what people are told when there is nothing in it.
pub(crate) fn print<T: Serialize>(
    list: &List<T>,
    columns: &[Column<T>],
    output: Output,
    empty: &str,
) -> anyhow::Result<()> {
    match output {
        Output::Json => render::json(list),
        Output::Csv => render::line(csv(&list.data, columns).trim_end()),
        Output::Table if list.data.is_empty() => render::line(empty),
        Output::Table => render::line(&table(&list.data, columns)),
    }
}

/// The rows below their heads, wrapped at the width of a terminal; files and pipes get whole lines.
pub(crate) fn table<T>(rows: &[T], columns: &[Column<T>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|column| column.head));
    for (place, column) in columns.iter().enumerate() {
        if let Some(cells) = table.column_mut(place) {
            cells.set_cell_alignment(column.alignment);
        }
    }
    for row in rows {
        table.add_row(columns.iter().map(|column| column.shown(row)));
    }
    table.trim_fmt()
}

/// Names and rows, with lines that end as spreadsheets expect.
fn csv<T>(rows: &[T], columns: &[Column<T>]) -> String {
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let head = line(columns.iter().map(|column| cell(column.name)).collect());
    let rows = rows.iter().map(|row| line(columns.iter().map(|column| cell(&(column.raw)(row))).collect()));
    std::iter::once(head).chain(rows).collect()
}

/// Quoted where it has to be. What spreadsheets would take for a formula is made a text: names of workers are anybody's.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// Waits for the next look of `--watch`.
pub(crate) async fn pause(secs: u64) {
    tokio::time::sleep(Duration::from_secs(secs)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column<(&str, u64)>; 2] = [
        Column::text("NAME", "name", |row| row.0.to_owned()),
        Column::number("SIZE", "size_bytes", |row| format!("{} B", row.1), |row| row.1.to_string()),
    ];

    #[test]
    fn people_see_units_and_programs_numbers() {
        let rows = [("one", 1), ("two", 20)];
        let lines = table(&rows, &COLUMNS);
        let lines: Vec<&str> = lines.lines().map(str::trim).collect();
        assert_eq!(lines, ["NAME  SIZE", "one    1 B", "two   20 B"]);
        assert_eq!(csv(&rows, &COLUMNS), "name,size_bytes\r\none,1\r\ntwo,20\r\n");
    }

    #[test]
    fn csv_is_quoted_and_holds_no_formula() {
        let cells = ["a", "a,b", "say \"x\"", "=1+1", "-5", "@x", "-cmd|'/c calc'!A0"].map(cell);
        assert_eq!(cells, ["a", "\"a,b\"", "\"say \"\"x\"\"\"", "'=1+1", "-5", "'@x", "'-cmd|'/c calc'!A0"]);
    }
}
