//! Rows of a history, one at a time, from a file of anybody's.
//!
//! CSV: a head `secs,LANE,LANE..`, then the time in seconds and what a hash earns on every lane, in any unit that they share;
//! an empty cell is not known. Columns `LANE.paid`, for all lanes or none, say what was paid where that is not what was seen.
//! JSON lines: decisions as the node keeps them, or objects with `time` and `lanes` (observations), one a line.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, Read},
};

use serde::Deserialize;
use sharechain::UnixTime;

use super::super::{
    Inputs, Observation, PriceSeen,
    limits::{LANES_MAX, NAME_LEN_MAX, PRICE_MAX, PRICE_MIN, REPLAY_LINE_LEN_MAX, REPLAY_ROWS_MAX},
    observation::InputsError,
    prices::{PriceError, Quote},
};

/// What a move costs where only CSV could say it and cannot: milliseconds of mining, much more than a job on the same
/// connection does.
const CSV_SWITCH_COST_MS: u64 = 10_000;

/// What was seen at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// When, in seconds since whenever.
    pub time: UnixTime,
    /// What a decision is made of.
    pub inputs: Inputs,
    /// What every lane paid, in their order, where the history tells it from what was seen.
    pub paid: Option<Vec<f64>>,
}

/// A history that cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[error("line {line} of the history")]
pub struct ReplayError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    #[source]
    pub error: LineError,
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Nothing to replay.
    #[error("the history ends before any time has passed on a lane that pays")]
    Empty,
    /// Not read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// More than [`REPLAY_LINE_LEN_MAX`].
    #[error("it is longer than {REPLAY_LINE_LEN_MAX} bytes")]
    TooLong,
    /// More than [`REPLAY_ROWS_MAX`].
    #[error("there are more than {REPLAY_ROWS_MAX} rows")]
    TooMany,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    NoText,
    /// Not a row of JSON.
    #[error("it is no row of JSON")]
    Json(#[source] serde_json::Error),
    /// Not a head of CSV.
    #[error("a history begins with a JSON object, or with the head secs,LANE,LANE..: {0}")]
    Head(&'static str),
    /// More or fewer cells than the head has.
    #[error("{found} cells; the head has {expected}")]
    Cells {
        /// What the line has.
        found: usize,
        /// What the head has.
        expected: usize,
    },
    /// A time that is none.
    #[error("the time {0:?} is not a whole number of seconds")]
    Time(String),
    /// A time that is not after the one before.
    #[error("its time {time} is not after {before}")]
    Order {
        /// The time.
        time: UnixTime,
        /// That of the line before.
        before: UnixTime,
    },
    /// A revenue that is none.
    #[error("{0:?} is not a number between {PRICE_MIN:e} and {PRICE_MAX:e}")]
    Value(String),
    /// Lanes that are none.
    #[error(transparent)]
    Lanes(#[from] InputsError),
    /// Other lanes than before.
    #[error("its lanes are not those of the first row")]
    OtherLanes,
}

/// A line of JSON: a decision, or what one is made of.
#[derive(Deserialize)]
struct JsonRow {
    time: UnixTime,
    inputs: Option<Inputs>,
    lanes: Option<Vec<Observation>>,
    #[serde(default)]
    switch_cost_ms: u64,
}

/// How lines are read.
#[derive(Debug)]
enum Format {
    Json,
    Csv { lanes: Vec<String>, has_paid: bool },
}

/// The rows of a history.
#[derive(Debug)]
pub struct Rows<R> {
    reader: R,
    line: u64,
    rows: usize,
    format: Option<Format>,
    lanes: Vec<String>,
    time: Option<UnixTime>,
}

impl<R: BufRead> Rows<R> {
    /// Nothing is read yet.
    pub const fn new(reader: R) -> Self {
        Self { reader, line: 0, rows: 0, format: None, lanes: Vec::new(), time: None }
    }

    /// The next row; `None` at the end. Empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn next_row(&mut self) -> Result<Option<Row>, ReplayError> {
        self.read_row().map_err(|error| self.fault(error))
    }

    /// An error at the line that was read last.
    pub(super) const fn fault(&self, error: LineError) -> ReplayError {
        ReplayError { line: self.line, error }
    }

    fn read_row(&mut self) -> Result<Option<Row>, LineError> {
        loop {
            let Some(line) = self.read_line()? else { return Ok(None) };
            let text = line.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let row = match &self.format {
                None if text.starts_with('{') => {
                    self.format = Some(Format::Json);
                    json_row(text)?
                }
                None => {
                    self.format = Some(head(text)?);
                    continue;
                }
                Some(Format::Json) => json_row(text)?,
                Some(Format::Csv { lanes, has_paid }) => csv_row(text, lanes, *has_paid)?,
            };
            return self.checked(row).map(Some);
        }
    }

    /// A row that can follow the last one.
    fn checked(&mut self, row: Row) -> Result<Row, LineError> {
        row.inputs.check()?;
        if let Some(before) = self.time.filter(|before| row.time <= *before) {
            return Err(LineError::Order { time: row.time, before });
        }
        if self.lanes.is_empty() {
            self.lanes = row.inputs.lanes.iter().map(|lane| lane.lane.clone()).collect();
        } else if !self.lanes.iter().eq(row.inputs.lanes.iter().map(|lane| &lane.lane)) {
            return Err(LineError::OtherLanes);
        }
        self.rows += 1;
        if self.rows > REPLAY_ROWS_MAX {
            return Err(LineError::TooMany);
        }
        self.time = Some(row.time);
        Ok(row)
    }

    fn read_line(&mut self) -> Result<Option<String>, LineError> {
        self.line += 1;
        let mut bytes = Vec::new();
        // One byte more than a line may have, to see that it has it.
        let limit = u64::try_from(REPLAY_LINE_LEN_MAX).unwrap_or(u64::MAX).saturating_add(1);
        let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut bytes).map_err(LineError::Read)?;
        if read == 0 {
            return Ok(None);
        }
        if bytes.len() > REPLAY_LINE_LEN_MAX {
            return Err(LineError::TooLong);
        }
        String::from_utf8(bytes).map(Some).map_err(|_| LineError::NoText)
    }
}

fn json_row(text: &str) -> Result<Row, LineError> {
    let row: JsonRow = serde_json::from_str(text).map_err(LineError::Json)?;
    let lanes = row.lanes.map(|lanes| Inputs { lanes, switch_cost_ms: row.switch_cost_ms, spread: None });
    let inputs = row.inputs.or(lanes).unwrap_or_default();
    Ok(Row { time: row.time, inputs, paid: None })
}

fn head(text: &str) -> Result<Format, LineError> {
    let mut cells = text.split(',').map(str::trim);
    if cells.next() != Some("secs") {
        return Err(LineError::Head("the first cell is not secs"));
    }
    let names: Vec<&str> = cells.collect();
    let (paid, lanes): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.ends_with(".paid"));
    if lanes.is_empty() || lanes.len() > LANES_MAX {
        return Err(LineError::Head("it names no lane, or more than 64"));
    }
    if lanes.iter().any(|lane| lane.is_empty() || lane.len() > NAME_LEN_MAX) {
        return Err(LineError::Head("a lane has no name, or one that is longer than 64 bytes"));
    }
    if lanes.iter().collect::<BTreeSet<_>>().len() != lanes.len() {
        return Err(LineError::Head("a lane is there twice"));
    }
    let in_order = paid.iter().map(|name| name.trim_end_matches(".paid")).eq(lanes.iter().copied());
    let is_after = names.iter().skip(lanes.len()).all(|name| name.ends_with(".paid"));
    let is_whole = paid.is_empty() || (in_order && is_after);
    if !is_whole {
        return Err(LineError::Head("the columns LANE.paid are not those of all lanes, after them and in their order"));
    }
    Ok(Format::Csv { lanes: lanes.into_iter().map(ToOwned::to_owned).collect(), has_paid: !paid.is_empty() })
}

fn csv_row(text: &str, lanes: &[String], has_paid: bool) -> Result<Row, LineError> {
    let cells: Vec<&str> = text.split(',').map(str::trim).collect();
    let expected = 1 + lanes.len() * if has_paid { 2 } else { 1 };
    let Some((time, values)) = cells.split_first().filter(|_| cells.len() == expected) else {
        return Err(LineError::Cells { found: cells.len(), expected });
    };
    let time = time.parse().map_err(|_| LineError::Time((*time).to_owned()))?;
    let mut seen = Vec::with_capacity(lanes.len());
    for (lane, cell) in lanes.iter().zip(values) {
        seen.push(observation(lane, cell)?);
    }
    let paid = values.iter().skip(lanes.len()).map(|cell| number(cell)).collect::<Result<Vec<f64>, _>>()?;
    let inputs = Inputs { lanes: seen, switch_cost_ms: CSV_SWITCH_COST_MS, spread: None };
    Ok(Row { time, inputs, paid: has_paid.then_some(paid) })
}

/// A lane of a coin of its own: its price is what a hash earns.
fn observation(lane: &str, cell: &str) -> Result<Observation, LineError> {
    let price = if cell.is_empty() {
        PriceSeen::Refused(PriceError::NoSources)
    } else {
        PriceSeen::Quote(Quote { price: number(cell)?, age_secs: 0, spread_percent: 0.0, sources: 2 })
    };
    Ok(Observation {
        lane: lane.to_owned(),
        coin: lane.to_owned(),
        block_value: 1,
        units_per_coin: 1,
        block_hashes: 1,
        price,
        ..Observation::default()
    })
}

fn number(cell: &str) -> Result<f64, LineError> {
    let number = cell.parse().ok().filter(|number| (PRICE_MIN..=PRICE_MAX).contains(number));
    number.ok_or_else(|| LineError::Value(cell.chars().take(NAME_LEN_MAX).collect()))
}
