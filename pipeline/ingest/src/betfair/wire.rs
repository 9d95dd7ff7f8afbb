//! Messages of the stream, as the Exchange Stream API documents them
//! (<https://docs.developer.betfair.com/display/1smk3cen4v3lu3yomq5qye0ni/Exchange+Stream+API>)
//! and as the historical files hold them, one a line.
//!
//! A [`Message`] is read into again and again, so that no memory is asked for by the line.

use std::ops::Range;

use smol_str::SmolStr;

use super::scan::{Cursor, ScanError};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Op {
    /// The server greets.
    Connection,
    /// It answers a request.
    Status,
    /// Markets changed.
    #[default]
    MarketChange,
    /// Anything else: orders, scores.
    Other,
}

/// What kind of change a message brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChangeType {
    /// What changed since.
    #[default]
    Delta,
    /// The whole, at the beginning of a subscription.
    SubImage,
    /// What changed while the connection was away.
    ResubDelta,
    /// Nothing: the line is alive.
    Heartbeat,
}

/// Whether a message is a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Segment {
    /// It is whole.
    #[default]
    None,
    /// The first part.
    Start,
    /// A part.
    Middle,
    /// The last part.
    End,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Message {
    /// What it is.
    pub op: Op,
    /// Which request it answers.
    pub id: Option<i64>,
    /// Milliseconds since 1970 at which it was published.
    pub published_ms: i64,
    /// Where to go on from, after a lost connection.
    pub clk: String,
    /// Where the subscription began.
    pub initial_clk: String,
    /// What kind of change.
    pub change: ChangeType,
    /// A part of one.
    pub segment: Segment,
    /// How often the server sends something at least, in milliseconds.
    pub heartbeat_ms: Option<u32>,
    /// 503 where the data are late.
    pub stream_status: Option<u32>,
    /// `SUCCESS` or `FAILURE`.
    pub status_code: SmolStr,
    /// Why it failed.
    pub error_code: SmolStr,
    /// The same in words.
    pub error_message: String,
    /// The markets that changed.
    pub markets: Vec<MarketChange>,
    runners: Vec<RunnerChange>,
    prices: Vec<PriceChange>,
}

/// A market that changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MarketChange {
    /// The market.
    pub id: SmolStr,
    /// It is the whole market: what was known before is gone.
    pub image: bool,
    /// The bytes of the definition within the line.
    pub definition: Option<Range<usize>>,
    runners: Range<usize>,
}

/// A runner that changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunnerChange {
    /// The selection.
    pub id: u64,
    /// Its handicap, where the market has handicaps.
    pub handicap: f64,
    /// The last price traded.
    pub last_traded: Option<f64>,
    prices: Range<usize>,
}

/// Which ladder a price stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ladder {
    /// `atb`: available to back, by price.
    Back,
    /// `atl`: available to lay, by price.
    Lay,
    /// `batb`: the best to back, by position.
    BestBack,
    /// `batl`: the best to lay, by position.
    BestLay,
}

/// A price that changed. Size 0 takes it away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriceChange {
    /// Where.
    pub ladder: Ladder,
    /// Its position, from 0 the best, on a ladder by position.
    pub position: u8,
    /// Decimal odds.
    pub price: f64,
    /// What can be staked at it.
    pub size: f64,
}

impl Message {
    /// The runners of a market that changed.
    #[must_use]
    pub fn runners(&self, market: &MarketChange) -> &[RunnerChange] {
        &self.runners[market.runners.clone()]
    }

    /// The prices of a runner that changed.
    #[must_use]
    pub fn prices(&self, runner: &RunnerChange) -> &[PriceChange] {
        &self.prices[runner.prices.clone()]
    }

    /// Reads a line. What the message held before is forgotten.
    ///
    /// # Errors
    /// The line is no message: where, and what should stand there.
    pub fn read(&mut self, line: &[u8]) -> Result<(), ScanError> {
        self.forget();
        let begin = line.as_ptr() as usize;
        let mut cursor = Cursor::new(line);
        cursor.object(|cursor, key| {
            match key {
                b"op" => {
                    self.op = match cursor.string()? {
                        b"mcm" => Op::MarketChange,
                        b"connection" => Op::Connection,
                        b"status" => Op::Status,
                        _ => Op::Other,
                    }
                }
                b"pt" => self.published_ms = cursor.number()? as i64,
                b"clk" => text(&mut self.clk, cursor.skip()?),
                b"initialClk" => text(&mut self.initial_clk, cursor.skip()?),
                b"mc" => cursor.list(|cursor| self.market(cursor, begin))?,
                b"id" => self.id = number(cursor.skip()?).map(|id| id as i64),
                b"ct" => {
                    self.change = match cursor.string()? {
                        b"SUB_IMAGE" => ChangeType::SubImage,
                        b"RESUB_DELTA" => ChangeType::ResubDelta,
                        b"HEARTBEAT" => ChangeType::Heartbeat,
                        _ => ChangeType::Delta,
                    }
                }
                b"segmentType" => {
                    self.segment = match cursor.string()? {
                        b"SEG_START" => Segment::Start,
                        b"SEG" => Segment::Middle,
                        b"SEG_END" => Segment::End,
                        _ => Segment::None,
                    }
                }
                b"heartbeatMs" => self.heartbeat_ms = number(cursor.skip()?).map(|ms| ms as u32),
                b"status" => self.stream_status = number(cursor.skip()?).map(|code| code as u32),
                b"statusCode" => self.status_code = small(cursor.skip()?),
                b"errorCode" => self.error_code = small(cursor.skip()?),
                b"errorMessage" => text(&mut self.error_message, cursor.skip()?),
                _ => drop(cursor.skip()?),
            }
            Ok(())
        })?;
        cursor.end()
    }

    fn forget(&mut self) {
        let Self { clk, initial_clk, error_message, markets, runners, prices, .. } = self;
        clk.clear();
        initial_clk.clear();
        error_message.clear();
        markets.clear();
        runners.clear();
        prices.clear();
        *self = Self {
            clk: std::mem::take(clk),
            initial_clk: std::mem::take(initial_clk),
            error_message: std::mem::take(error_message),
            markets: std::mem::take(markets),
            runners: std::mem::take(runners),
            prices: std::mem::take(prices),
            ..Self::default()
        };
    }

    fn market(&mut self, cursor: &mut Cursor<'_>, begin: usize) -> Result<(), ScanError> {
        let first = self.runners.len();
        let mut market = MarketChange::default();
        cursor.object(|cursor, key| {
            match key {
                b"id" => market.id = small(cursor.skip()?),
                b"rc" => cursor.list(|cursor| self.runner(cursor))?,
                b"img" => market.image = cursor.boolean()?,
                b"marketDefinition" => {
                    let bytes = cursor.skip()?;
                    let from = bytes.as_ptr() as usize - begin;
                    market.definition = Some(from..from + bytes.len());
                }
                _ => drop(cursor.skip()?),
            }
            Ok(())
        })?;
        market.runners = first..self.runners.len();
        self.markets.push(market);
        Ok(())
    }

    #[inline]
    fn runner(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ScanError> {
        let first = self.prices.len();
        let mut runner = RunnerChange::default();
        cursor.object(|cursor, key| {
            match key {
                b"id" => runner.id = cursor.number()? as u64,
                b"hc" => runner.handicap = number(cursor.skip()?).unwrap_or(0.0),
                b"ltp" => runner.last_traded = number(cursor.skip()?),
                b"atb" => self.by_price(cursor, Ladder::Back)?,
                b"atl" => self.by_price(cursor, Ladder::Lay)?,
                b"batb" => self.by_position(cursor, Ladder::BestBack)?,
                b"batl" => self.by_position(cursor, Ladder::BestLay)?,
                _ => drop(cursor.skip()?),
            }
            Ok(())
        })?;
        runner.prices = first..self.prices.len();
        self.runners.push(runner);
        Ok(())
    }

    #[inline]
    fn by_price(&mut self, cursor: &mut Cursor<'_>, ladder: Ladder) -> Result<(), ScanError> {
        cursor.list(|cursor| {
            let [price, size] = numbers(cursor)?;
            self.prices.push(PriceChange { ladder, position: 0, price, size });
            Ok(())
        })
    }

    fn by_position(&mut self, cursor: &mut Cursor<'_>, ladder: Ladder) -> Result<(), ScanError> {
        cursor.list(|cursor| {
            let [position, price, size] = numbers(cursor)?;
            // A cast of a number below 0 or above 255 ends at these bounds.
            self.prices.push(PriceChange { ladder, position: position as u8, price, size });
            Ok(())
        })
    }
}

/// A list of exactly so many numbers.
#[inline]
fn numbers<const N: usize>(cursor: &mut Cursor<'_>) -> Result<[f64; N], ScanError> {
    let mut numbers = [0.0; N];
    let mut count = 0;
    let mut last = cursor.clone();
    cursor.list(|cursor| {
        last = cursor.clone();
        let number = cursor.number()?;
        if let Some(place) = numbers.get_mut(count) {
            *place = number;
        }
        count += 1;
        Ok(())
    })?;
    if count == N { Ok(numbers) } else { last.wrong("a price and its size") }
}

fn number(value: &[u8]) -> Option<f64> {
    Cursor::new(value).number().ok()
}

fn unquoted(value: &[u8]) -> Option<&str> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    std::str::from_utf8(inner).ok()
}

fn small(value: &[u8]) -> SmolStr {
    unquoted(value).map(SmolStr::new).unwrap_or_default()
}

fn text(into: &mut String, value: &[u8]) {
    match unquoted(value) {
        Some(plain) if !plain.contains('\\') => into.push_str(plain),
        _ => into.push_str(&serde_json::from_slice::<String>(value).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_change_is_read_with_its_runners_and_prices_in_whatever_order_the_keys_stand() {
        let line = br#"{"op":"mcm","id":3,"clk":"AA\/x","pt":1746656966980,"mc":[
            {"id":"1.2","rc":[{"atb":[[1.04,4553.19],[1.05,0]],"tv":117.3,"id":60324},
                              {"batl":[[0,2.16,12.5]],"hc":-0.5,"ltp":2,"id":"9162"}],"img":true},
            {"marketDefinition":{"status":"OPEN"},"id":"1.3"}]}"#;
        let mut message = Message::default();
        message.read(line).unwrap();
        assert_eq!((message.clk.as_str(), message.published_ms), ("AA/x", 1_746_656_966_980));
        let [first, second] = message.markets.as_slice() else { panic!("two markets") };
        assert!(first.image && second.definition.is_some() && message.runners(second).is_empty());
        assert_eq!(&line[second.definition.clone().unwrap()], br#"{"status":"OPEN"}"#);
        let [back, lay] = message.runners(first) else { panic!("two runners") };
        assert_eq!((back.id, message.prices(back).len()), (60324, 2));
        assert_eq!((lay.id, lay.handicap, lay.last_traded), (9162, -0.5, Some(2.0)));
        assert_eq!(
            message.prices(lay),
            [PriceChange { ladder: Ladder::BestLay, position: 0, price: 2.16, size: 12.5 }]
        );
        message.read(br#"{"op":"mcm","ct":"HEARTBEAT","clk":"B"}"#).unwrap();
        assert!(message.markets.is_empty() && message.change == ChangeType::Heartbeat);
    }

    #[test]
    fn a_line_that_is_no_message_is_refused_with_its_column() {
        let mut message = Message::default();
        for line in [
            &b""[..],
            b"{",
            b"[]",
            br#"{"op":"mcm","mc":[{"rc":[{"atb":[[1.5]]}]}]}"#,
            br#"{"op":"mcm","mc":[{"rc":[{"atb":[["x",1]]}]}]}"#,
            br#"{"op":"mcm","mc":"none"}"#,
            br#"{"op":"mcm"} more"#,
        ] {
            let error = message.read(line).unwrap_err();
            assert!(error.to_string().starts_with("column "), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_refused(bytes: Vec<u8>) {
            let _ = Message::default().read(&bytes);
        }

        #[test]
        fn a_message_cut_anywhere_is_refused(at in 1_usize..110) {
            let line = br#"{"op":"mcm","pt":1,"clk":"x","mc":[{"id":"1.2","rc":[{"atb":[[1.04,2]],"id":6,"ltp":1.5}],"img":false}]}"#;
            prop_assume!(at < line.len());
            prop_assert!(Message::default().read(&line[..at]).is_err());
        }
    }
}
