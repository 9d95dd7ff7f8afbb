//! How well names of different providers are joined: precision and recall of `same`, on real
//! pairs, printed by `make bench-names`.
//!
//! Two kinds of truth. The maps of `team_names` say which names are one side. For the prices of
//! The Odds API the calendar is the truth: a match whose two names were resolved alone, without
//! a look at any kick-off, must be a match of football-data.co.uk's season on that day, and where
//! the provider has a score it must be the same one.
//!
//! A provider that was asked long before tells of kick-offs that were moved since. Such a match is
//! the same one all the same: its key is competition, season and sides. But that these agree proves
//! little by itself, because two wrong sides meet in a season, too. So a match on another day counts
//! as right only where each of its two names was proved right by another match on its very day, and
//! no other pair of names came out as the same match. What comes of the two other ways of counting,
//! all of them wrong and all of them right, is printed beside it.

#![allow(clippy::print_stdout, reason = "it is what this program is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use marabet_ingest::football_data::{Loader, Timeline, Timing};
use marabet_ingest::names::canon::Canon;
use marabet_ingest::names::pool::{Pool, Verdict, judge};
use marabet_ingest::names::{Answer, Named, Names};
use marabet_ingest::{openfootball, pinnacle};
use marabet_schemas::facts::{Fixture, FixtureStatus};
use marabet_schemas::{Body, Event, Instant, MatchKey, Source};
use smol_str::SmolStr;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Default)]
struct Figures {
    same_right: u32,
    same_wrong: Vec<String>,
    /// Right, on another day: other matches prove the names.
    moved: Vec<String>,
    /// On another day, and nothing proves the names. Counted as wrong.
    unproved: Vec<String>,
    asked: Vec<String>,
    different: Vec<String>,
}

impl Figures {
    fn print(&self, title: &str) {
        let [moved, unproved] = [&self.moved, &self.unproved].map(|all| all.len() as u32);
        let right = self.same_right + moved;
        let same = right + unproved + self.same_wrong.len() as u32;
        let all = same + self.asked.len() as u32 + self.different.len() as u32;
        let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
        println!(
            "{title:<58} {all:>5} names  precision {:.4}  recall {:.4}  asked {:>3}  new {:>3}",
            share(right, same),
            share(right, all),
            self.asked.len(),
            self.different.len(),
        );
        if moved + unproved > 0 {
            println!(
                "    on another day: {moved} moved, {unproved} unproved; with all of them wrong {:.4} and \
                 {:.4}, with all of them right {:.4} and {:.4}",
                share(self.same_right, same),
                share(self.same_right, all),
                share(right + unproved, same),
                share(right + unproved, all),
            );
        }
        if std::env::args().any(|argument| argument == "--all") {
            for (what, names) in [
                ("wrong", &self.same_wrong),
                ("moved", &self.moved),
                ("unproved", &self.unproved),
                ("asked", &self.asked),
                ("new", &self.different),
            ] {
                for name in names {
                    println!("    {what}: {name}");
                }
            }
        }
    }

    fn judge(&mut self, pools: &[&Pool], name: &str, truth: &BTreeSet<&str>, covered: bool) {
        match judge(pools, name, &BTreeSet::new(), covered) {
            Verdict::Known(side)
            | Verdict::Same(marabet_ingest::names::pool::Candidate { side, .. }) => {
                if truth.contains(side.as_str()) {
                    self.same_right += 1;
                } else {
                    self.same_wrong.push(format!("{name} -> {side}, is {truth:?}"));
                }
            }
            Verdict::Different => self.different.push(format!("{name}, is {truth:?}")),
            Verdict::Ask(among) => {
                let among: Vec<String> =
                    among.iter().map(|c| format!("{} {:.2}", c.side, c.likeness)).collect();
                self.asked.push(format!("{name}, is {truth:?}, among {among:?}"));
            }
        }
    }
}

/// When a match kicked off, and how it ended where it has.
type Played = (Instant, Option<[u8; 2]>);

fn main() -> Outcome<()> {
    let Some(data) = std::env::var_os("MARABET_DATA").map(PathBuf::from) else {
        println!("MARABET_DATA is not set: there are no real names to measure on");
        return Ok(());
    };
    mapped(&data)?;
    betfair(&data)?;
    snapshot(&data)?;
    held_out(&data)
}

/// football-data.co.uk against Squawka, Transfermarkt and Understat.
fn mapped(data: &Path) -> Outcome<()> {
    let path = data.join("team_names/beatthebookie_team_mapping.csv");
    let text = std::fs::read(&path)?;
    let text = String::from_utf8_lossy(&text);
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(';').collect()).collect();
    let canon = Canon::built_in();
    for (with_aliases, note) in [(true, ""), (false, ", by likeness alone")] {
        let mut pool = Pool::default();
        for side in rows.iter().map(|row| row[0]) {
            let side = smol_str::SmolStr::new(side);
            pool.learn(&side, &side);
            let known = canon.sides().find_map(|(_, sides)| sides.get(&side));
            for other in known.into_iter().flatten().filter(|_| with_aliases) {
                pool.learn(&side, other);
            }
        }
        for (column, provider) in [(1, "Squawka"), (2, "Transfermarkt"), (3, "Understat")] {
            let mut truth: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for row in &rows {
                if let Some(name) = row.get(column).filter(|name| !name.is_empty()) {
                    truth.entry(name).or_default().insert(row[0]);
                }
            }
            let mut figures = Figures::default();
            for (name, sides) in &truth {
                figures.judge(&[&pool], name, sides, true);
            }
            figures.print(&format!("{provider} to football-data.co.uk{note}"));
        }
    }
    Ok(())
}

/// Betfair against FotMob, of sides that we know nothing of.
fn betfair(data: &Path) -> Outcome<()> {
    let path = data.join("team_names/betfair_xgd_manual_team_mappings.json");
    let map: BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(&path)?)?;
    let mut pool = Pool::default();
    for side in map.values() {
        pool.learn(&side.into(), side);
    }
    let mut figures = Figures::default();
    for (name, side) in &map {
        figures.judge(&[&pool], name, &[side.as_str()].into(), true);
    }
    figures.print("Betfair to FotMob, all countries at once, by likeness alone");
    Ok(())
}

fn gunzip(path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    GzDecoder::new(file).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A season of every division that there is, by the name of its files.
fn season(data: &Path, file: &str) -> Outcome<Timeline> {
    let mut loader = Loader::new(Timing::default());
    let mut rejects: Vec<marabet_ingest::Reject> = Vec::new();
    for kind in ["raw", "derived"] {
        for division in std::fs::read_dir(data.join("football_data_uk").join(kind))? {
            let path = division?.path().join(file);
            if path.exists() {
                loader.file(&path, &mut rejects)?;
            }
        }
    }
    Ok(loader.finish(&mut rejects))
}

struct Told {
    named: Named,
    kickoff: Instant,
    score: Option<[u8; 2]>,
}

fn told(data: &Path, file: &str) -> Outcome<Vec<Told>> {
    let path = data.join("intraday_odds/the_odds_api_snapshot_2026-04-16").join(file);
    let bytes = gunzip(&path)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = reader.headers()?.clone();
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for row in reader.records() {
        let row = row?;
        let cell = |name: &str| {
            let at = headers.iter().position(|header| header == name);
            at.and_then(|at| row.get(at)).unwrap_or_default()
        };
        let one = told.entry(cell("event_id").to_owned()).or_insert_with(|| Told {
            named: Named {
                id: cell("event_id").into(),
                competition: cell("sport_key").into(),
                home: cell("home_team").into(),
                away: cell("away_team").into(),
            },
            kickoff: cell("commence_time").parse().unwrap_or_default(),
            score: None,
        });
        if cell("completed") == "True"
            && let Ok(goals) = cell("score_value").parse::<f64>()
        {
            let at = usize::from(cell("score_name") == cell("away_team"));
            one.score.get_or_insert([0, 0])[at] = goals as u8;
        }
    }
    Ok(told.into_values().collect())
}

/// The Odds API against football-data.co.uk.
fn snapshot(data: &Path) -> Outcome<()> {
    let timeline = season(data, "2526.csv.gz")?;
    for file in ["soccer_scores.csv.gz", "soccer_events.csv.gz", "soccer_odds.csv.gz"] {
        let title = format!("The Odds API {}", file.trim_end_matches(".csv.gz"));
        against(&timeline, "the-odds-api", &told(data, file)?, &title)?;
    }
    Ok(())
}

/// Pinnacle and openfootball against football-data.co.uk: pairs on which nothing was tuned.
///
/// Their kick-offs are those of when they were asked (`--all` shows which were moved since).
fn held_out(data: &Path) -> Outcome<()> {
    let bytes = gunzip(&data.join("api_samples/pinnacle/fixtures.json.gz"))?;
    let listed = pinnacle::parse::fixtures("fixtures", &bytes, &mut Vec::new());
    let listed = listed.events.into_iter();
    let told: Vec<Told> = listed
        .map(|event| Told {
            named: Named {
                id: event.id,
                competition: event.league,
                home: event.home,
                away: event.away,
            },
            kickoff: event.starts,
            score: None,
        })
        .collect();
    against(&season(data, "2425.csv.gz")?, pinnacle::SOURCE, &told, "Pinnacle, held out:")?;
    let path = data.join("results_and_ratings/openfootball/en.1_2025-26.json");
    let listed = openfootball::read("en.1", &std::fs::read(path)?, &mut Vec::new()).into_iter();
    let told: Vec<Told> = listed
        .map(|one| Told {
            named: one.named,
            kickoff: one.kickoff,
            score: one.score.map(|(full, _)| full),
        })
        .collect();
    let season = season(data, "2526.csv.gz")?;
    against(&season, openfootball::SOURCE, &told, "openfootball, held out:")
}

/// Matches of a provider against the calendar of football-data.co.uk.
fn against(timeline: &Timeline, src: &str, told: &[Told], title: &str) -> Outcome<()> {
    let covered: BTreeSet<_> = timeline.competitions().into_keys().collect();
    let src = Source::new(src);
    let (alone, beside) = (Names::in_memory(), Names::in_memory());
    let mut calendar = Calendar::default();
    let mut scores: BTreeMap<MatchKey, Option<[u8; 2]>> = BTreeMap::new();
    for event in timeline.events() {
        if let (Some(key), Body::Result(result)) = (event.key, event.body) {
            scores.insert(key, result.score);
        }
    }
    for one in timeline.matches() {
        let score = scores.get(&one.key).copied().flatten();
        calendar.days.entry(place(&one.key)).or_default().push((one.instants.kickoff, score));
        beside.observe(&fixture(&one.key, one.instants.kickoff));
    }
    let (mut by_name, mut by_match) = (Figures::default(), Figures::default());
    let (mut proofs_by_name, mut proofs_by_match) = (Proofs::default(), Proofs::default());
    for one in told {
        let competition = alone.competition(&src, &one.named.competition);
        if !competition.is_some_and(|competition| covered.contains(&competition)) {
            continue;
        }
        for (names, figures, proofs) in [
            (&alone, &mut by_name, &mut proofs_by_name),
            (&beside, &mut by_match, &mut proofs_by_match),
        ] {
            let answer = names.resolve(&src, &one.named, one.kickoff, one.kickoff)?;
            calendar.judge(one, answer, figures, proofs);
        }
    }
    proofs_by_name.settle(&mut by_name);
    proofs_by_match.settle(&mut by_match);
    by_name.print(&format!("{title}, names alone (matches)"));
    by_match.print(&format!("{title}, beside the calendar (matches)"));
    if calendar.compared > 0 {
        println!("    {} of them have a score of both, which was compared", calendar.compared);
    }
    Ok(())
}

/// Competition, home and away.
fn place(key: &MatchKey) -> (String, String, String) {
    (key.competition().to_string(), key.home().to_owned(), key.away().to_owned())
}

/// The matches that were played, as football-data.co.uk has them.
#[derive(Default)]
struct Calendar {
    days: BTreeMap<(String, String, String), Vec<Played>>,
    compared: u32,
}

/// What proves that a match on another day is a moved one.
#[derive(Default)]
struct Proofs {
    /// Names, with their competition, of matches that were found on their very day.
    sides: BTreeSet<(SmolStr, SmolStr)>,
    /// Which names of the provider came out as each match.
    pairs: BTreeMap<MatchKey, BTreeSet<(SmolStr, SmolStr)>>,
    /// Matches of the season that were found on another day.
    elsewhere: Vec<(Named, MatchKey, String)>,
}

impl Proofs {
    fn settle(self, figures: &mut Figures) {
        for (named, key, said) in self.elsewhere {
            let Named { competition, home, away, .. } = named;
            let is_proved = |side| self.sides.contains(&(competition.clone(), side));
            let is_moved = is_proved(home) && is_proved(away) && self.pairs[&key].len() == 1;
            (if is_moved { &mut figures.moved } else { &mut figures.unproved }).push(said);
        }
    }
}

impl Calendar {
    fn judge(&mut self, one: &Told, answer: Answer, figures: &mut Figures, proofs: &mut Proofs) {
        let Named { competition, home, away, .. } = &one.named;
        let name = format!("{competition}: {home} v {away}");
        let key = match answer {
            Answer::Match(key) => key,
            Answer::Ask(names) => {
                let names: Vec<_> = names.iter().map(|w| w.name.as_str()).collect();
                return figures.asked.push(format!("{name}: {names:?}"));
            }
            Answer::NoMatch(reason) => return figures.different.push(format!("{name}: {reason}")),
        };
        let near = |at: &Instant| at.seconds_since(one.kickoff).abs() < 1.5 * 86_400.0;
        let days = self.days.get(&place(&key)).map_or(&[][..], Vec::as_slice);
        let pair = (home.clone(), away.clone());
        proofs.pairs.entry(key.clone()).or_default().insert(pair);
        let Some((_, score)) = days.iter().find(|(at, _)| near(at)) else {
            let said = format!("{name} -> {key}: not on {}, but {days:?}", one.kickoff);
            let is_once = days.len() == 1 && one.score.is_none_or(|said| days[0].1 == Some(said));
            if is_once {
                proofs.elsewhere.push((one.named.clone(), key, said));
            } else {
                figures.same_wrong.push(said);
            }
            return;
        };
        if let (Some(said), Some(was)) = (one.score, *score) {
            self.compared += 1;
            if said != was {
                return figures.same_wrong.push(format!("{name} -> {key}: {said:?} {was:?}"));
            }
        }
        figures.same_right += 1;
        proofs.sides.extend([home, away].map(|side| (competition.clone(), side.clone())));
    }
}

fn fixture(key: &MatchKey, kickoff: Instant) -> Event {
    let fixture = Fixture {
        src: Source::new("football-data"),
        status: FixtureStatus::Scheduled,
        kickoff,
        neutral: false,
        minute: None,
        score: None,
    };
    Event::of(key.clone(), kickoff, fixture)
}
