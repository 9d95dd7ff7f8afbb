//! One Parquet file: what it says of itself, writing it, reading it.

mod hot;
mod read;
mod rows;
mod write;

pub use read::{Content, Frames, OpenFile};
pub(crate) use write::{FileWriter, Written};

/// What a file says of itself, in the metadata of its footer.
pub(crate) mod about {
    /// The layout's number.
    pub(crate) const FORM: &str = "marabet.form";
    /// The stream's name.
    pub(crate) const HOLDING: &str = "marabet.stream";
    /// The partition.
    pub(crate) const PARTITION: &str = "marabet.partition";
    /// The first entry.
    pub(crate) const FIRST: &str = "marabet.first";
    /// The last entry.
    pub(crate) const LAST: &str = "marabet.last";
    /// The last entry of the file before it; 0-0 for a partition's first file.
    pub(crate) const AFTER: &str = "marabet.after";
    /// How many entries the log's stream had been given up to the last one; 0 where it is not
    /// known.
    pub(crate) const ORDINAL: &str = "marabet.ordinal";
    /// How many frames.
    pub(crate) const FRAMES: &str = "marabet.frames";
    /// The kinds that occur, separated by commas; `line` among them where lines are kept.
    pub(crate) const KINDS: &str = "marabet.kinds";
    /// How many bytes of data there are before the footer, and their SHA-256.
    pub(crate) const DATA_BYTES: &str = "marabet.data_bytes";
    /// See [`DATA_BYTES`].
    pub(crate) const DATA_SHA256: &str = "marabet.data_sha256";
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use marabet_schemas::frame::Frame;
    use marabet_schemas::{EntryId, Event, Kind};
    use marabet_streams::Stream;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::schema::Holding;

    const KEY: &str = "E0|2024-25|Man United|Fulham|1";

    /// A line of each kind, with and without what may be left out.
    fn lines(kind: Kind) -> Vec<String> {
        let hash = "ab".repeat(32);
        let bet = "0123456789abcdef";
        let model = format!(r#"{{"number":3,"hash":"{hash}","lambda":1.5,"mu":1.1,"rho":-0.03}}"#);
        let running = format!(
            r#"{{"number":3,"hash":"{hash}","lambda":1.5,"mu":1.1,"rho":-0.03,"running":{{"minute":61.5,"score":[1,0],"reds":[0,1]}}}}"#
        );
        let quote = r#""src":"s","book":"bet365","market":"ah@-0.25","odds":[1.9,2.0]"#;
        let reference = r#"{"book":"pinnacle","market":"1x2","odds":[2.0,3.5,4.0],"at":5}"#;
        let value_bet = format!(
            r#""bet":"{bet}","revision":0,"strategy":"sharp","config":1,"book":"bet365","market":"1x2","selection":"home","odds":2.2,"net_odds":2.2,"fair":{{"source":"sharp","references":[{reference}],"devig":"power","model":{model},"probability":0.5,"outcomes":[0.5,0.0,0.0,0.0,0.5]}},"ev":0.1,"stake":0.01,"quoted_at":1,"kickoff":9,"expires":7,"occurrence":0,"others":[{{"book":"b","market":"1x2","selection":"home","odds":2.1,"net_odds":2.1}}]"#
        );
        let bodies = match kind {
            Kind::Fixture => vec![
                r#""src":"s","status":"live","kickoff":-5,"neutral":true,"minute":3,"score":[1,0]"#.into(),
                r#""src":"s","status":"scheduled","kickoff":7"#.into(),
            ],
            Kind::Quote => vec![
                format!(r#"{quote},"phase":"closing","sizes":[10.5,20.0]"#),
                format!(r#"{quote},"phase":"pre""#),
            ],
            Kind::Aggregate => vec![
                r#""src":"s","statistic":"avg","market":"1x2","odds":[2.0,3.0,4.1],"phase":"pre","books":12"#.into(),
                r#""src":"s","statistic":"max","market":"ou@2.5","odds":[2.0,1.9],"phase":"closing""#.into(),
            ],
            Kind::Withdrawn => vec![r#""src":"s","book":"b","market":"1x2""#.into(), r#""src":"s","book":"b""#.into()],
            Kind::Seen => vec![r#""src":"s","book":"b""#.into()],
            Kind::Stats => vec![r#""src":"s","home":{"shots":9},"away":{"red_cards":0,"fouls":2}"#.into()],
            Kind::Incidents => vec![
                r#""src":"s","incidents":[{"minute":93,"side":"away","what":"red_card","player":"P","detail":"d"},{"minute":4,"side":"home","what":"goal","other":"O"}]"#.into(),
                r#""src":"s","incidents":[]"#.into(),
            ],
            Kind::LineUps => vec![
                r#""src":"s","home":{"formation":"4-3-3","starters":["A","B"],"substitutes":["C"]},"away":{"starters":[]}"#.into(),
            ],
            Kind::Absences => vec![
                r#""src":"s","home":[{"player":"A","reason":"knee","doubtful":true}],"away":[{"player":"B"}]"#.into(),
            ],
            Kind::Standing => vec![
                r#""src":"s","home":{"rank":1,"points":-3,"played":4,"goal_difference":-2},"away":{"rank":2,"points":0,"played":0}"#.into(),
            ],
            Kind::Result => vec![
                r#""src":"s","status":"played","score":[2,1],"half_time":[0,0]"#.into(),
                r#""src":"s","status":"void""#.into(),
            ],
            Kind::Named => vec![
                r#""src":"s","id":"7","competition":"EPL","home":"Man Utd","away":"Fulham""#.into(),
            ],
            Kind::MatchClosed => vec![r#""src":"s""#.into()],
            Kind::ModelPublished => vec![format!(
                r#""competition":"E0","number":2,"hash":"{hash}","family":"dixon_coles","training":{{"from":1,"to":2,"matches":380,"cut":["3/17-0/1"]}}"#
            )],
            Kind::ConfigPublished => vec![format!(
                r#""number":1,"hash":"{hash}","rules":{}"#,
                serde_json::to_string(&marabet_schemas::strategy::Rules::default()).unwrap()
            )],
            Kind::Priced => vec![
                format!(r#""quote":{{{quote},"phase":"pre"}},"model":{model},"outcomes":[[0.1,0.2,0.3,0.15,0.25],[0.0,0.0,0.0,0.0,1.0]]"#),
                format!(r#""quote":{{{quote},"phase":"pre"}},"unpriced":"no_model""#),
                format!(r#""quote":{{{quote},"phase":"in_play"}},"model":{running},"outcomes":[[0.0,0.0,0.0,0.0,1.0],[1.0,0.0,0.0,0.0,0.0]]"#),
            ],
            Kind::ValueBet => vec![value_bet],
            Kind::Refused => vec![
                r#""strategy":"sharp","book":"b","market":"1x2","selection":"draw","reason":"outlier","ev":-0.5"#.into(),
                r#""strategy":"sharp","market":"1x2","reason":"aggregate""#.into(),
            ],
            Kind::Settlement => vec![format!(
                r#""bet":"{bet}","strategy":"sharp","revision":1,"outcome":"half_win","profit":0.45,"stake":0.01,"market":"1x2","selection":"home","book":"b","net_odds":1.9,"claimed_ev":0.03,"score":[1,0],"clv":{{"value":0.02,"reference":{reference},"fallback":false,"repriced":true,"probability":0.51}},"reason":"why""#
            )],
            Kind::Grant => vec![format!(
                r#""value_bet":{{{value_bet}}},"stake":12.34,"currency":"EUR","bankroll":10000.0,"asked":20.5,"capped_by":["day","rounding"]"#
            )],
            Kind::BetPlaced => vec![format!(r#""bet":"{bet}","book":"b","odds":2.5,"stake":10.0"#)],
            Kind::BetSkipped | Kind::BetVoid => {
                vec![format!(r#""bet":"{bet}","reason":"r""#), format!(r#""bet":"{bet}""#)]
            }
            Kind::Deposit => vec![r#""strategy":"sharp","amount":-5.25,"note":"n""#.into()],
            #[allow(unreachable_patterns, reason = "a new kind is asked for by the test below")]
            _ => vec![],
        };
        bodies
            .into_iter()
            .map(|body| {
                format!(
                    r#"{{"t":"{}","k":"{KEY}","at":1723830000000000,"assumed":true,{body}}}"#,
                    kind.tag()
                )
            })
            .collect()
    }

    fn id(seq: u64) -> EntryId {
        EntryId { ms: 1_723_830_000_000, seq }
    }

    fn round_trip(holding: &Holding, frames: &[Frame]) -> Vec<Frame> {
        let mut writer = FileWriter::new(holding, 3, EntryId::default(), 3);
        frames.iter().for_each(|frame| writer.push(frame, None).unwrap());
        let written = writer.finish().unwrap().unwrap();
        let file = OpenFile::open("test", &written.place, Bytes::from(written.bytes)).unwrap();
        assert_eq!(file.content().frames, frames.len() as u64);
        file.frames().unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn an_event_of_every_kind_reads_back_as_it_was() {
        for stream in Stream::ALL {
            let holding = Holding::Stream(stream);
            let mut frames = Vec::new();
            for kind in holding.kinds() {
                let lines = lines(kind);
                assert!(!lines.is_empty(), "give a line of {kind:?}");
                frames.push(Frame::decode(id(frames.len() as u64), &lines.join("\n")));
            }
            assert!(
                frames.iter().all(|frame| frame.events.iter().all(Result::is_ok)),
                "{frames:?}"
            );
            assert_eq!(round_trip(&holding, &frames), frames, "{stream}");
        }
    }

    #[test]
    fn what_has_no_column_reads_back_as_its_line() {
        let holding = Holding::Stream(Stream::Bets);
        let lines =
            [lines(Kind::Seen)[0].as_str(), "nonsense", r#"{"t":"hologram/1","at":1}"#].join("\n");
        let frames = [Frame::decode(id(1), &lines)];
        assert_eq!(round_trip(&holding, &frames), frames);
        // A good event alone, of a kind that this stream has no columns for.
        let frames = [Frame::decode(id(1), &self::lines(Kind::Seen)[0])];
        assert!(frames[0].events[0].is_ok());
        assert_eq!(round_trip(&holding, &frames), frames);
    }

    #[test]
    fn frames_that_reach_over_pages_and_row_groups_read_back_whole() {
        let quote = Event::from_line(&lines(Kind::Quote)[1]).unwrap();
        let frame = |seq| Frame::new(id(seq), vec![quote.clone(); 300]);
        let frames: Vec<Frame> = (0..250).map(frame).collect();
        assert_eq!(round_trip(&Holding::Stream(Stream::Feed), &frames), frames);
    }

    #[test]
    fn what_a_dictionary_is_of_no_use_for_reads_back_beside_what_it_is() {
        let quote = |at: u32| {
            // Books and odds that do not come again for a while, then nothing but those.
            let own = if (1_000..2_500).contains(&at) { at } else { 0 };
            let odds = 1.5 + f64::from(own) / 1024.0;
            let line = format!(
                r#"{{"t":"quote/1","k":"{KEY}","at":{at},"src":"s","book":"b{own}","market":"btts","odds":[{odds},2.0],"phase":"pre"}}"#
            );
            Ok(Event::from_line(&line).unwrap())
        };
        let frames: Vec<Frame> = (0..20)
            .map(|seq: u32| {
                let events = (0..200).map(|event| quote(200 * seq + event)).collect();
                Frame { id: id(seq.into()), events, lines: None }
            })
            .collect();
        assert_eq!(round_trip(&Holding::Stream(Stream::Feed), &frames), frames);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]

        /// Any kinds behind each other, in runs of any length, read back by the library's reader.
        #[test]
        fn any_row_of_kinds_reads_back_as_it_was(
            runs in vec((any::<Index>(), any::<Index>(), 1_usize..400), 1..40),
        ) {
            for stream in Stream::ALL {
                let holding = Holding::Stream(stream);
                let kinds = holding.kinds();
                let run = |(seq, (kind, line, times)): (u64, &(Index, Index, usize))| {
                    let lines = lines(kinds[kind.index(kinds.len())]);
                    let event = Event::from_line(&lines[line.index(lines.len())]).unwrap();
                    Frame::new(id(seq), vec![event; *times])
                };
                let frames: Vec<Frame> = (1..).zip(&runs).map(run).collect();
                prop_assert_eq!(round_trip(&holding, &frames), frames);
            }
        }
    }
}
