//! A file of people as rows of text: as it comes, in any of the encodings and separators that people have, and in little
//! memory whatever the file holds.
//!
//! A row that cannot be read is a row with a problem; only a file that is no table at all is refused.
//!
//! A quote that is not closed takes the rows behind it into one cell, up to the next quote somewhere. Where that is seen, the
//! first line is the row with a problem, and the lines behind it are read once more, as the rows that they are.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use encoding_rs::{Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};

use crate::model::RowProblem;

/// Most octets of a file: ten million rows of a hundred.
pub const FILE_MAX_OCTETS: u64 = 1_000_000_000;
/// Most rows of a file.
pub const ROWS_MAX: i64 = 5_000_000;
/// Octets of a row: address, name and every field of a newsletter fit many times.
const ROW_MAX_OCTETS: usize = 64 * 1024;
/// Most columns; those behind are not looked at.
pub const COLUMNS_MAX: usize = 200;
/// From so many octets at its beginning it is decided what kind of file it is.
const HEAD_OCTETS: usize = 64 * 1024;
/// So many times the octets of a file are read once more, at most: a file may be made of quotes.
const AGAIN_TIMES: u64 = 8;
/// So many lines that look like rows inside of one cell are rows, though every quote is closed.
const ROWS_INSIDE: usize = 2;
/// Most octets of a piece that are parsed at once: between two pieces the rows can be taken away.
const PIECE_OCTETS: usize = 64 * 1024;

/// Why a file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("the file is empty")]
    Empty,
    #[error("the file is an archive or a workbook; save it as CSV")]
    Archive,
    #[error("the file is larger than {FILE_MAX_OCTETS} octets, or has more than {ROWS_MAX} rows")]
    TooLarge,
}

impl FileError {
    /// The key of its text in the language files.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Empty => "error-import-empty",
            Self::Archive => "error-import-archive",
            Self::TooLarge => "error-import-large",
        }
    }
}

/// The cells of a row, or why there are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cells {
    Read(Vec<String>),
    Unreadable(RowProblem),
}

/// A row with its number in the file; the row of the headings is the first.
pub type Row = (i64, Cells);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// Nothing but ASCII so far.
    Open,
    Utf8,
    Windows1252,
}

/// Reads a file piece by piece.
pub struct FileReader {
    head: Vec<u8>,
    is_begun: bool,
    octets: u64,
    decoder: Option<Decoder>,
    encoding: Encoding,
    separator: u8,
    csv: Reader,
    /// The present row as it stands in the file.
    raw: Vec<u8>,
    text: Vec<u8>,
    filled: usize,
    ends: Vec<usize>,
    columns: usize,
    /// The rest of a line that is too large is passed over.
    is_too_large: bool,
    /// What is read once more, before all that follows; the last comes first.
    again: Vec<Vec<u8>>,
    again_octets: u64,
    row: i64,
    headings: Option<Vec<String>>,
    ready: Vec<Row>,
    ready_octets: usize,
}

impl std::fmt::Debug for FileReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileReader").field("row", &self.row).finish_non_exhaustive()
    }
}

impl Default for FileReader {
    fn default() -> Self {
        Self {
            head: Vec::new(),
            is_begun: false,
            octets: 0,
            decoder: None,
            encoding: Encoding::Open,
            separator: b',',
            csv: Reader::new(),
            raw: Vec::new(),
            text: vec![0; ROW_MAX_OCTETS],
            filled: 0,
            ends: vec![0; COLUMNS_MAX],
            columns: 0,
            is_too_large: false,
            again: Vec::new(),
            again_octets: 0,
            row: 0,
            headings: None,
            ready: Vec::new(),
            ready_octets: 0,
        }
    }
}

impl FileReader {
    /// The next octets, at most [`PIECE_OCTETS`] of them for little memory.
    ///
    /// # Errors
    /// [`FileError`]: the file is refused.
    pub fn push(&mut self, octets: &[u8]) -> Result<(), FileError> {
        self.octets += octets.len() as u64;
        if self.octets > FILE_MAX_OCTETS || self.row > ROWS_MAX {
            return Err(FileError::TooLarge);
        }
        if self.is_begun {
            self.decode(octets, false);
            return Ok(());
        }
        self.head.extend_from_slice(octets);
        if self.head.len() >= HEAD_OCTETS { self.begin() } else { Ok(()) }
    }

    /// The end of the file. Rows may be left in [`FileReader::take`].
    ///
    /// # Errors
    /// [`FileError::Empty`] when there were no rows but headings.
    pub fn finish(&mut self) -> Result<(), FileError> {
        if !self.is_begun {
            self.begin()?;
        }
        self.decode(&[], true);
        loop {
            if std::mem::take(&mut self.is_too_large) {
                self.keep(Cells::Unreadable(RowProblem::TooLarge));
            }
            let (text, ends) = (&mut self.text[self.filled..], &mut self.ends[self.columns..]);
            let (result, _, written, ended) = self.csv.read_record(&[], text, ends);
            if result == ReadRecordResult::End {
                break;
            }
            self.took(result, written, ended);
            // The last quote may have been one that is not closed.
            self.parse(&[]);
        }
        if self.row > ROWS_MAX {
            return Err(FileError::TooLarge);
        }
        if self.headings.is_none() || (self.row <= 1 && self.ready.is_empty()) {
            return Err(FileError::Empty);
        }
        Ok(())
    }

    /// The headings, once they were read. In a file without, the columns are numbered.
    pub fn headings(&self) -> &[String] {
        self.headings.as_deref().unwrap_or_default()
    }

    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// How much of the file the rows that are ready were, in octets.
    pub const fn ready_octets(&self) -> usize {
        self.ready_octets
    }

    /// At most so many of the rows that are ready.
    pub fn take(&mut self, most: usize) -> Vec<Row> {
        let rest = self.ready.split_off(most.min(self.ready.len()));
        if rest.is_empty() {
            self.ready_octets = 0;
        }
        std::mem::replace(&mut self.ready, rest)
    }

    fn begin(&mut self) -> Result<(), FileError> {
        self.is_begun = true;
        let head = std::mem::take(&mut self.head);
        if head.is_empty() {
            return Err(FileError::Empty);
        }
        // Local headers of ZIP (also .xlsx and .ods), gzip, and the old workbooks.
        if [&b"PK\x03\x04"[..], b"PK\x05\x06", b"\x1f\x8b", b"\xd0\xcf\x11\xe0"]
            .iter()
            .any(|magic| head.starts_with(magic))
        {
            return Err(FileError::Archive);
        }
        let (start, utf16) = match head.as_slice() {
            [0xef, 0xbb, 0xbf, ..] => {
                self.encoding = Encoding::Utf8;
                (3, None)
            }
            [0xff, 0xfe, ..] => (2, Some(UTF_16LE)),
            [0xfe, 0xff, ..] => (2, Some(UTF_16BE)),
            octets => (0, utf16_without_mark(octets)),
        };
        self.decoder = utf16.map(encoding_rs::Encoding::new_decoder_without_bom_handling);
        let head = head.get(start..).unwrap_or_default();
        let separator = match utf16 {
            Some(encoding) => separator(encoding.decode_without_bom_handling(head).0.as_bytes()),
            None => separator(head),
        };
        self.separator = separator;
        self.csv = ReaderBuilder::new().delimiter(separator).build();
        for piece in head.chunks(PIECE_OCTETS) {
            self.decode(piece, false);
        }
        Ok(())
    }

    fn decode(&mut self, octets: &[u8], is_last: bool) {
        let Some(mut decoder) = self.decoder.take() else { return self.parse(octets) };
        self.encoding = Encoding::Utf8;
        let mut text = String::with_capacity(decoder.max_utf8_buffer_length(octets.len()).unwrap_or(0));
        // The room is enough for all of it; what is no text becomes U+FFFD, which is refused below.
        let _ = decoder.decode_to_string(octets, &mut text, is_last);
        self.decoder = Some(decoder);
        self.parse(text.as_bytes());
    }

    /// What is to be read once more, and then these.
    fn parse(&mut self, mut octets: &[u8]) {
        loop {
            while let Some(lines) = self.again.pop() {
                let below = self.again.len();
                let read = self.parse_some(&lines);
                if let Some(rest) = lines.get(read..).filter(|rest| !rest.is_empty()) {
                    self.again.insert(below, rest.to_vec());
                }
            }
            if octets.is_empty() {
                return;
            }
            let read = self.parse_some(octets);
            octets = octets.get(read..).unwrap_or_default();
        }
    }

    /// Until all is read, or something is to be read once more; answers how much of it was read.
    fn parse_some(&mut self, octets: &[u8]) -> usize {
        let waiting = self.again.len();
        let mut at = 0;
        while let Some(rest) = octets.get(at..).filter(|rest| !rest.is_empty()) {
            if self.is_too_large {
                at += self.pass_over(rest);
                continue;
            }
            let (text, ends) = (&mut self.text[self.filled..], &mut self.ends[self.columns..]);
            let (result, read, written, ended) = self.csv.read_record(rest, text, ends);
            self.raw.extend_from_slice(rest.get(..read).unwrap_or_default());
            at += read;
            self.took(result, written, ended);
            if self.again.len() > waiting {
                break;
            }
        }
        at
    }

    /// The rest of a line that is too large; answers how much of it there was.
    fn pass_over(&mut self, octets: &[u8]) -> usize {
        let Some(end) = octets.iter().position(|octet| is_line_end(*octet)) else { return octets.len() };
        self.is_too_large = false;
        self.keep(Cells::Unreadable(RowProblem::TooLarge));
        end + 1
    }

    fn took(&mut self, result: ReadRecordResult, written: usize, ended: usize) {
        self.filled += written;
        self.columns += ended;
        match result {
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {
                if self.raw.iter().all(|octet| is_line_end(*octet)) {
                    // Empty lines are no rows.
                    self.raw.clear();
                }
            }
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                let raw = self.begin_row();
                self.forget();
                match line_end(&raw) {
                    Some(end) => self.split(&raw, end),
                    None => self.is_too_large = true,
                }
            }
            ReadRecordResult::Record => self.record(),
        }
    }

    /// The next octet begins a row; answers how the present one stands in the file, without empty lines before it.
    fn begin_row(&mut self) -> Vec<u8> {
        let mut raw = std::mem::take(&mut self.raw);
        let start = raw.iter().position(|octet| !is_line_end(*octet)).unwrap_or(0);
        raw.drain(..start);
        raw
    }

    /// What was read of the present row.
    fn forget(&mut self) {
        self.csv.reset();
        (self.filled, self.columns) = (0, 0);
    }

    fn record(&mut self) {
        let raw = self.begin_row();
        if let Some(end) = line_end(&raw)
            && self.is_swallowing(&raw)
        {
            return self.split(&raw, end);
        }
        self.raw = raw;
        self.raw.clear();
        let cells = self.cells();
        self.ready_octets += self.filled;
        self.keep(cells);
        (self.filled, self.columns) = (0, 0);
    }

    /// The first line of what was taken for one row has a quote that is not closed; those behind it are rows.
    fn split(&mut self, raw: &[u8], end: usize) {
        self.forget();
        self.ready_octets += end;
        self.keep(Cells::Unreadable(RowProblem::Quote));
        let rest = raw.get(end..).unwrap_or_default();
        self.again_octets += rest.len() as u64;
        if self.again_octets > AGAIN_TIMES * self.octets.max(ROW_MAX_OCTETS as u64) {
            let mut lines = rest.split(|octet| is_line_end(*octet)).filter(|line| !line.is_empty());
            // Of the last one there may be more.
            self.is_too_large =
                rest.last().is_some_and(|octet| !is_line_end(*octet)) && lines.next_back().is_some();
            let count = lines.count();
            (0..count).for_each(|_| self.keep(Cells::Unreadable(RowProblem::Quote)));
        } else {
            self.again.push(rest.to_vec());
        }
    }

    /// Whether a row of several lines is several rows: text stands behind a closing quote, the last one is open, or the lines
    /// inside are rows of this table.
    fn is_swallowing(&self, raw: &[u8]) -> bool {
        !is_well_quoted(raw, self.separator) || self.has_rows_inside(raw)
    }

    fn has_rows_inside(&self, raw: &[u8]) -> bool {
        let columns = self.headings().len();
        let is_row = |line: &[u8]| {
            let cells = line.split(|octet| *octet == self.separator);
            let is_address = |cell: &[u8]| {
                std::str::from_utf8(cell).is_ok_and(|cell| crate::model::EmailAddress::parse(cell).is_ok())
            };
            cells.clone().count() == columns && cells.into_iter().any(is_address)
        };
        let mut lines = raw.split(|octet| is_line_end(*octet)).filter(|line| !line.is_empty());
        // The quote stands in the first and in the last.
        let _ = (lines.next(), lines.next_back());
        let (rows, all) = lines.fold((0, 0), |(rows, all), line| (rows + usize::from(is_row(line)), all + 1));
        rows >= ROWS_INSIDE && rows == all
    }

    /// The next row of the file.
    fn keep(&mut self, cells: Cells) {
        self.row += 1;
        let Some(headings) = &self.headings else {
            return self.first(cells);
        };
        let cells = match cells {
            Cells::Read(mut cells) => {
                cells.truncate(headings.len());
                Cells::Read(cells)
            }
            unreadable => unreadable,
        };
        self.ready.push((self.row, cells));
    }

    /// Headings, unless an address stands there.
    fn first(&mut self, cells: Cells) {
        let cells = match cells {
            Cells::Read(cells) => cells,
            Cells::Unreadable(problem) => {
                self.headings = Some(Vec::new());
                self.ready.push((self.row, Cells::Unreadable(problem)));
                return;
            }
        };
        // A line of some spreadsheets that names the separator, which we have counted.
        if matches!(cells.as_slice(), [first, rest @ ..] if first.trim().eq_ignore_ascii_case("sep=")
            && rest.iter().all(String::is_empty))
        {
            return;
        }
        if cells.iter().any(|cell| crate::model::EmailAddress::parse(cell).is_ok()) {
            self.headings = Some((1..=cells.len()).map(|number| number.to_string()).collect());
            self.ready.push((self.row, Cells::Read(cells)));
        } else {
            self.headings = Some(cells.iter().map(|cell| cell.trim().to_owned()).collect());
        }
    }

    fn cells(&mut self) -> Cells {
        let text = self.text.get(..self.filled).unwrap_or_default();
        if self.encoding == Encoding::Open && !text.is_ascii() {
            let is_utf8 = std::str::from_utf8(text).is_ok();
            self.encoding = if is_utf8 { Encoding::Utf8 } else { Encoding::Windows1252 };
        }
        let mut cells = Vec::with_capacity(self.columns);
        let mut start = 0;
        for end in self.ends.iter().take(self.columns) {
            let octets = text.get(start..*end).unwrap_or_default();
            start = *end;
            let cell = match self.encoding {
                // Files that were put together have rows of both.
                Encoding::Windows1252 => match std::str::from_utf8(octets) {
                    Ok(cell) => cell.to_owned(),
                    Err(_) => WINDOWS_1252.decode_without_bom_handling(octets).0.into_owned(),
                },
                Encoding::Open | Encoding::Utf8 => match std::str::from_utf8(octets) {
                    Ok(cell) if !cell.contains('\u{fffd}') => cell.to_owned(),
                    _ => return Cells::Unreadable(RowProblem::NotText),
                },
            };
            if cell.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
                return Cells::Unreadable(RowProblem::Control);
            }
            cells.push(cell);
        }
        Cells::Read(cells)
    }
}

const fn is_line_end(octet: u8) -> bool {
    matches!(octet, b'\n' | b'\r')
}

/// Where the first line ends, if something stands behind it.
fn line_end(raw: &[u8]) -> Option<usize> {
    let end = raw.iter().position(|octet| is_line_end(*octet))?;
    raw.get(end..)?.iter().any(|octet| !is_line_end(*octet)).then_some(end + 1)
}

/// Whether each quoted cell ends with its closing quote (RFC 4180, section 2), spaces aside.
fn is_well_quoted(raw: &[u8], separator: u8) -> bool {
    enum At {
        Start,
        Plain,
        Quoted,
        Behind,
    }
    let mut at = At::Start;
    for octet in raw {
        at = match (at, *octet) {
            (At::Start, b'"') | (At::Behind, b'"') => At::Quoted,
            (At::Quoted, b'"') => At::Behind,
            (At::Quoted, _) => At::Quoted,
            (_, octet) if octet == separator || is_line_end(octet) => At::Start,
            (At::Behind, b' ' | b'\t') => At::Behind,
            (At::Behind, _) => return false,
            (At::Start | At::Plain, _) => At::Plain,
        };
    }
    !matches!(at, At::Quoted)
}

/// UTF-16 without its mark: every other octet of Latin text is NUL.
fn utf16_without_mark(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    /// So many octets are enough to tell.
    const LOOKED_AT: usize = 512;
    let head = head.get(..LOOKED_AT.min(head.len())).unwrap_or_default();
    let nuls = |odd: usize| head.iter().skip(odd).step_by(2).filter(|octet| **octet == 0).count();
    let (even, odd, half) = (nuls(0), nuls(1), head.len() / 2);
    match (even * 10 > half * 6, odd * 10 > half * 6) {
        (false, true) => Some(UTF_16LE),
        (true, false) => Some(UTF_16BE),
        _ => None,
    }
}

/// The separator that stands most often in the first line, outside of quotes.
fn separator(head: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut is_quoted = false;
    for octet in head {
        match octet {
            b'"' => is_quoted = !is_quoted,
            b'\n' | b'\r' if !is_quoted => break,
            _ if is_quoted => {}
            octet => {
                if let Some((_, count)) = counts.iter_mut().find(|(known, _)| known == octet) {
                    *count += 1;
                }
            }
        }
    }
    // The first of those that stand equally often.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(octet, _)| *octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8], piece: usize) -> Result<(Vec<String>, Vec<Row>), FileError> {
        let mut reader = FileReader::default();
        let mut rows = Vec::new();
        for piece in file.chunks(piece) {
            reader.push(piece)?;
            rows.extend(reader.take(usize::MAX));
        }
        reader.finish()?;
        rows.extend(reader.take(usize::MAX));
        Ok((reader.headings().to_vec(), rows))
    }

    fn cells(row: &Row) -> Vec<&str> {
        match &row.1 {
            Cells::Read(cells) => cells.iter().map(String::as_str).collect(),
            Cells::Unreadable(problem) => vec![problem.as_str()],
        }
    }

    #[test]
    fn every_encoding_and_separator_gives_the_same_rows() {
        let text = "E-mail;Naam\r\njan@example.org;\"Müller; \"\"Jan\"\"\"\r\nan@example.org;Zoë\r\n";
        let utf16 = |order: fn(u16) -> [u8; 2], mark: bool| {
            let mark: &[u16] = if mark { &[0xfeff] } else { &[] };
            mark.iter().copied().chain(text.encode_utf16()).flat_map(order).collect::<Vec<u8>>()
        };
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
        let files = [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            utf16(u16::to_le_bytes, true),
            utf16(u16::to_be_bytes, true),
            utf16(u16::to_le_bytes, false),
            utf16(u16::to_be_bytes, false),
            latin,
            text.replace(';', "\t").replace("Müller\t", "Müller;").into_bytes(),
        ];
        for (at, file) in files.iter().enumerate() {
            for piece in [1, 7, 100_000] {
                let (headings, rows) = read(file, piece).expect("a table");
                assert_eq!(headings, ["E-mail", "Naam"], "{at} {piece}");
                assert_eq!(cells(&rows[0]), ["jan@example.org", "Müller; \"Jan\""], "{at} {piece}");
                assert_eq!(cells(&rows[1]), ["an@example.org", "Zoë"], "{at} {piece}");
                assert_eq!(rows.iter().map(|row| row.0).collect::<Vec<_>>(), [2, 3]);
            }
        }
    }

    #[test]
    fn a_hostile_row_is_one_problem_and_the_next_row_is_read() {
        let mut file = b"email,name\na@example.org,A\n".to_vec();
        file.extend(b"b@example.org,");
        file.extend(vec![b'x'; 1_000_000]);
        file.extend(
            b"\nc@example.org,C\0\nd@example.org,\"D\nd\"\ne@example.org,Zo\xc3\xab\nf@example.org,\xff\n",
        );
        file.extend(vec![b','; 10_000_000]);
        file.extend(b"\ng@example.org,G\n\"h@example.org,never closed\ni@example.org,I\n");
        file.extend(vec![b'y'; 200_000]);
        let (_, rows) = read(&file, 65_536).expect("a table");
        let found: Vec<_> = rows.iter().map(|row| cells(row)[0]).collect();
        let expected = [
            "a@example.org",
            "too_large",
            "control",
            "d@example.org",
            "e@example.org",
            "not_text",
            "too_large",
            "g@example.org",
            "quote",
            "i@example.org",
            "too_large",
        ];
        assert_eq!(found, expected);
    }

    /// The first cell of each row, however the file comes.
    fn first_cells(file: &str) -> Vec<String> {
        let mut all = [1, 3, 65_536].map(|piece| {
            let (_, rows) = read(file.as_bytes(), piece).expect("a table");
            assert!(rows.windows(2).all(|two| two[0].0 + 1 == two[1].0), "each row has a number of its own");
            rows.iter().map(|row| cells(row)[0].to_owned()).collect::<Vec<_>>()
        });
        assert!(all[0] == all[1] && all[1] == all[2], "{all:?}");
        std::mem::take(&mut all[2])
    }

    #[test]
    fn a_quote_that_is_not_closed_costs_its_own_row_alone() {
        let rows = |bad: &[usize], line: fn(usize, &str) -> String| {
            (0..1_000)
                .map(|n| line(n, if bad.contains(&n) { "\"see order" } else { "fine" }))
                .collect::<String>()
        };
        let line = |n: usize, note: &str| format!("r{n}@example.org,unsubscribed,{note}\r\n");
        for bad in [&[99][..], &[99, 899], &[0], &[0, 1, 2], &[500, 502], &[998]] {
            let found = first_cells(&format!("email,status,note\r\n{}", rows(bad, line)));
            let expected: Vec<_> = (0..1_000)
                .map(|n| if bad.contains(&n) { "quote".to_owned() } else { format!("r{n}@example.org") })
                .collect();
            assert_eq!(found, expected, "{bad:?}");
        }
        // Other rows with quotes of their own, and longer than a row may be.
        let quoted =
            |n: usize, note: &str| format!("r{n}@example.org,\"Maes, {n}\",{note}{}\n", "x".repeat(100));
        let found = first_cells(&format!("email,name,note\n{}", rows(&[10, 900], quoted)));
        assert_eq!(found.iter().filter(|cell| *cell == "quote").count(), 2);
        assert_eq!(found.len(), 1_000);
    }

    #[test]
    fn every_quote_is_closed_and_there_are_rows_inside_all_the_same() {
        let file = "email,screen\na@x.be,\"19\nb@x.be,20\nc@x.be,21\nd@x.be,22\",\ne@x.be,23\n";
        assert_eq!(first_cells(file), ["quote", "b@x.be", "c@x.be", "d@x.be", "e@x.be"]);
    }

    #[test]
    fn a_cell_of_several_lines_stays_one_cell() {
        for note in [
            "Kaai 1\r\n1000 Brussel",
            "ask an@x.be, jan@x.be\nor b@x.be",
            "\n\n",
            "say \"\"hi\"\"\nthere",
            "Dear Jan,\nwrite to an@x.be, please\n\nBye",
        ] {
            let file = format!("email,note,more\na@x.be,\"{note}\",x\nb@x.be,\"{note}\" ,y\n");
            assert_eq!(first_cells(&file), ["a@x.be", "b@x.be"], "{note:?}");
        }
    }

    #[test]
    fn a_file_made_of_quotes_is_read_in_a_time_that_follows_its_length() {
        let file = format!("email,a,b\n{}", "x\",\"y\n".repeat(50_000));
        let (_, rows) = read(file.as_bytes(), 65_536).expect("a table");
        assert_eq!(rows.len(), 50_000);
    }

    #[test]
    fn a_line_that_names_the_separator_is_no_heading() {
        for separator in [";", ",", "\t"] {
            let file = format!("sep={separator}\r\nemail{separator}name\r\na@x.be{separator}An\r\n");
            let (headings, rows) = read(file.as_bytes(), 100).expect("a table");
            assert_eq!((headings.as_slice(), rows.len()), (&["email".to_owned(), "name".to_owned()][..], 1));
        }
    }

    #[test]
    fn rows_of_two_encodings_are_each_read_in_theirs() {
        let (_, rows) = read(b"email,name\na@x.be,Zo\xeb\nb@x.be,Zo\xc3\xab\n", 100).expect("a table");
        assert_eq!((cells(&rows[0])[1], cells(&rows[1])[1]), ("Zoë", "Zoë"));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        assert_eq!(read(b"", 10), Err(FileError::Empty));
        assert_eq!(read(b"email,name\n", 10), Err(FileError::Empty));
        assert_eq!(read(b"PK\x03\x04xxxxxxxx", 4), Err(FileError::Archive));
        let (headings, rows) = read(b"jan@example.org\n", 100).expect("a table");
        assert_eq!((headings, rows.len()), (vec!["1".to_owned()], 1), "a file without headings");
    }
}
