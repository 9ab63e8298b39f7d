//! Answers of commands: JSON for programs, aligned columns for people.

use std::io::{self, Write as _};

use serde::Serialize;

/// Between two columns.
const GAP: &str = "  ";

/// How a command answers; flattened into the arguments of every command that answers with data.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Output {
    /// Answer with JSON
    #[arg(long)]
    pub json: bool,
}

impl Output {
    /// Several things: an array, or a table with a row for each.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn list<T: Serialize, const N: usize>(
        self,
        items: &[T],
        headings: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) -> anyhow::Result<()> {
        if self.json {
            return print_json(items);
        }
        let rows: Vec<_> = items.iter().map(row).collect();
        print(&table(headings, &rows))
    }

    /// A list that is too long for memory, part by part.
    pub const fn parts(self) -> Parts {
        Parts { output: self, is_begun: false }
    }

    /// One thing: an object, or a line for each field.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn one<T: Serialize>(self, item: &T, fields: &[(&str, String)]) -> anyhow::Result<()> {
        if self.json {
            return print_json(item);
        }
        // A line without a name goes on with the one above it.
        let named = |name: &str| if name.is_empty() { String::new() } else { format!("{name}:") };
        let rows: Vec<_> = fields.iter().map(|(name, value)| [named(name), value.clone()]).collect();
        print(&columns(&rows))
    }

    /// One thing: an object, or a sentence about it.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn sentence<T: Serialize>(self, item: &T, sentence: &str) -> anyhow::Result<()> {
        if self.json { print_json(item) } else { print(&format!("{sentence}\n")) }
    }
}

/// A list that is too long for memory, as it comes: an array, or a table whose columns fit each part.
#[derive(Debug)]
pub struct Parts {
    output: Output,
    is_begun: bool,
}

impl Parts {
    /// Writes a part; `false` when nobody reads on.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn add<T: Serialize, const N: usize>(
        &mut self,
        items: &[T],
        headings: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) -> anyhow::Result<bool> {
        let mut text = String::new();
        if self.output.json {
            for item in items {
                text += if self.is_begun { ",\n" } else { "[\n" };
                text += &serde_json::to_string(item)?;
                self.is_begun = true;
            }
        } else {
            let rows: Vec<_> = items.iter().map(row).collect();
            let all = table(headings, &rows);
            // One heading for all parts; later ones only borrow its width.
            text += if self.is_begun { all.split_once('\n').map_or("", |(_, rest)| rest) } else { &all };
            self.is_begun = true;
        }
        write(&text)
    }

    /// # Errors
    /// When standard output cannot be written.
    pub fn end<const N: usize>(self, headings: [&str; N]) -> anyhow::Result<()> {
        match (self.output.json, self.is_begun) {
            (false, true) => Ok(()),
            (false, false) => print(&table(headings, &[])),
            (true, true) => print("\n]\n"),
            (true, false) => print("[]\n"),
        }
    }
}

/// Writes to standard output. Who closes it (`| head`) has seen enough, which is no failure.
///
/// # Errors
/// When standard output cannot be written, a full disk for example.
pub fn print(text: &str) -> anyhow::Result<()> {
    write(text).map(drop)
}

/// The same; `false` when it was closed.
fn write(text: &str) -> anyhow::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn print_json<T: Serialize + ?Sized>(value: &T) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Tells an error and what it came from, a sentence on each line. A cause that its error repeats is told once.
pub fn complain(error: &anyhow::Error) {
    let mut text = format!("postiljon: {error}\n");
    let mut last = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !last.contains(&cause) {
            text += &format!("  because: {cause}\n");
        }
        last = cause;
    }
    // Where standard error is closed nobody can be told.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Tells something that is no error, beside the answer.
pub fn warn(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut all = vec![headings.map(str::to_owned)];
    all.extend_from_slice(rows);
    columns(&all)
}

/// Rows with their cells under each other. A control character in a cell would break the row, or the terminal.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let clean = |cell: &String| cell.replace(char::is_control, " ");
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(clean)).collect();
    let widths: [usize; N] =
        std::array::from_fn(|at| rows.iter().map(|row| width(&row[at])).max().unwrap_or_default());
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, column)| format!("{cell}{}", " ".repeat(column - width(cell))))
            .collect();
        format!("{}\n", cells.join(GAP).trim_end())
    };
    rows.iter().map(line).collect()
}

/// How many columns of a terminal a text takes, near enough: nothing for marks on the letter before, two for
/// the scripts of East Asia and for emoji.
fn width(text: &str) -> usize {
    let of = |c: char| match u32::from(c) {
        0x0300..=0x036F | 0x200B..=0x200F | 0x20D0..=0x20FF | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F => 2,
        0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD => 2,
        _ => 1,
    };
    text.chars().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_each_other_in_every_script() {
        let row = |name: &str, status: &str| [name.to_owned(), status.to_owned()];
        let rows =
            [row("été", "sent"), row("日本", "paused"), row("e\u{301}", "sent"), row("a\nb", "\u{1b}[1m")];
        let expected = "NAME  STATUS\nété   sent\n日本  paused\ne\u{301}     sent\na b    [1m\n";
        assert_eq!(table(["NAME", "STATUS"], &rows), expected);
    }
}
