//! What to ask for when: the calendar now and then, running matches often, line-ups in the last
//! hour before kick-off, odds as they are renewed, details once a match is over, absences once a
//! day, teams and tables once a week.
//!
//! What can wait is asked for only where the day's budget reaches for the matches that are still
//! to be followed ([`Agenda::needs`]). Knows no reply and asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use marabet_schemas::{Body, Competition, Instant};
use smol_str::SmolStr;

use super::source::ApiFootballSettings;
use crate::desk::ShownMatch;

/// How many days ahead the calendar is asked for.
pub(super) const DAYS_AHEAD: i64 = 14;
/// Between two looks at the calendar of a competition.
pub(super) const CALENDAR_EVERY_S: i64 = 6 * 3_600;
/// A match may still run so long after its kick-off.
pub(super) const RUNS_S: i64 = 4 * 3_600;
/// A match usually runs so long.
const RUNS_USUALLY_S: i64 = 2 * 3_600;
/// Line-ups are asked for so long before kick-off, and again after so long.
const LINE_UPS: (i64, i64) = (3_600, 600);
/// Absences of the matches of the coming day, once a day.
pub(super) const ABSENCES_EVERY_S: i64 = 86_400;
/// Teams and tables.
const SELDOM_S: i64 = 7 * 86_400;
/// Matches that one call can ask about.
pub(super) const IDS_MAX: usize = 20;
/// Matches of which it is remembered what was told, at most.
const TOLD_MAX: usize = 10_000;

/// One thing to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    /// The coming matches of a competition.
    Calendar(Competition),
    /// The sides of a competition.
    Teams(Competition),
    /// The running matches of all competitions.
    Live,
    /// Their odds.
    LiveOdds,
    /// Who plays in these.
    LineUps(Vec<SmolStr>),
    /// How these went.
    Details(Vec<SmolStr>),
    /// How this one went, asked call by call.
    Single(SmolStr),
    /// The odds of a competition.
    Odds(Competition),
    /// Who does not play in the competition's matches of the coming day.
    Absences(Competition),
    /// The table of a competition.
    Table(Competition),
}

/// What was told of a match.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    over: bool,
    line_ups: bool,
    line_ups_at: Option<Instant>,
    incidents: bool,
    statistics: bool,
    /// Its details were asked for together with those of others.
    details_asked: bool,
    /// And by itself.
    single_asked: bool,
}

#[derive(Debug, Clone, Default)]
struct Watched {
    league: SmolStr,
    calendar_at: Option<Instant>,
    odds_at: Option<Instant>,
    refused: bool,
}

/// When what was asked for last.
#[derive(Debug)]
pub(crate) struct Agenda {
    settings: ApiFootballSettings,
    watched: BTreeMap<Competition, Watched>,
    live_at: Option<Instant>,
    live_odds_at: Option<Instant>,
    /// The matches that were shown, by the provider's number.
    known: BTreeMap<SmolStr, ShownMatch>,
    told: BTreeMap<SmolStr, Told>,
    seldom: Seldom,
}

impl Agenda {
    /// The agenda for these competitions, each with the provider's number.
    pub(crate) fn new(
        settings: ApiFootballSettings,
        leagues: BTreeMap<Competition, SmolStr>,
    ) -> Self {
        let watched = leagues
            .into_iter()
            .map(|(competition, league)| (competition, Watched { league, ..Watched::default() }))
            .collect();
        let seldom = Seldom::open(settings.asked_file.clone());
        Self {
            settings,
            watched,
            live_at: None,
            live_odds_at: None,
            known: BTreeMap::new(),
            told: BTreeMap::new(),
            seldom,
        }
    }

    /// What is due, the most urgent first. `rest` is what the day's budget still has.
    pub(crate) fn due(&self, now: Instant, rest: Option<u64>) -> Option<Due> {
        // What can wait leaves the budget to what cannot.
        let can_wait = rest.is_none_or(|rest| rest > self.needs(now));
        let teams = if can_wait { self.seldom(now, "teams", SELDOM_S) } else { None };
        teams
            .filter(|_| self.settings.teams)
            .map(Due::Teams)
            .or_else(|| self.of_matches(now))
            .or_else(|| self.odds(now))
            .or_else(|| if can_wait { self.rest(now) } else { None })
    }

    fn of_matches(&self, now: Instant) -> Option<Due> {
        let mut open = self.watched.iter().filter(|(_, one)| !one.refused);
        if let Some((c, _)) = open.find(|(_, o)| is_due(o.calendar_at, CALENDAR_EVERY_S, now)) {
            return Some(Due::Calendar(c.clone()));
        }
        let runs =
            |shown: &ShownMatch| shown.kickoff <= now && now < shown.kickoff.plus_seconds(RUNS_S);
        let plays = self.known.iter().any(|(id, shown)| runs(shown) && !self.told(id).over);
        let every = i64::from(self.settings.live_every_s);
        if plays && is_due(self.live_at, every, now) {
            return Some(Due::Live);
        }
        let line_ups = self.unannounced(now);
        if self.settings.line_ups && !line_ups.is_empty() {
            return Some(Due::LineUps(line_ups));
        }
        if plays && self.settings.live_odds && is_due(self.live_odds_at, every, now) {
            return Some(Due::LiveOdds);
        }
        None
    }

    /// The matches that begin within the hour and whose line-ups are not known.
    fn unannounced(&self, now: Instant) -> Vec<SmolStr> {
        let (before, every) = LINE_UPS;
        let ids = self.known.iter().filter(|(id, shown)| {
            let told = self.told(id);
            let is_near = now < shown.kickoff && shown.kickoff <= now.plus_seconds(before);
            is_near && !told.line_ups && is_due(told.line_ups_at, every, now)
        });
        ids.map(|(id, _)| id.clone()).take(IDS_MAX).collect()
    }

    fn odds(&self, now: Instant) -> Option<Due> {
        let every = i64::from(self.settings.odds_every_s);
        let mut open = self.watched.iter().filter(|(_, one)| self.settings.odds && !one.refused);
        let (competition, _) = open.find(|(_, one)| is_due(one.odds_at, every, now))?;
        Some(Due::Odds(competition.clone()))
    }

    /// What comes behind all else.
    fn rest(&self, now: Instant) -> Option<Due> {
        let over = || self.told.iter().filter(|(_, told)| told.over && self.lacks(told));
        let unasked = over().filter(|(_, told)| !told.details_asked);
        let unasked: Vec<SmolStr> = unasked.map(|(id, _)| id.clone()).take(IDS_MAX).collect();
        if !unasked.is_empty() {
            return Some(Due::Details(unasked));
        }
        if let Some((id, _)) = over().find(|(_, told)| !told.single_asked) {
            return Some(Due::Single(id.clone()));
        }
        if self.settings.absences {
            let absences = self.seldom_where(now, "absences", ABSENCES_EVERY_S, |competition| {
                !self.coming(competition, now, ABSENCES_EVERY_S).is_empty()
            });
            if let Some(competition) = absences {
                return Some(Due::Absences(competition));
            }
        }
        let table = self.seldom_where(now, "table", SELDOM_S, |competition| {
            !self.coming(competition, now, DAYS_AHEAD * 86_400).is_empty()
        });
        table.filter(|_| self.settings.tables).map(Due::Table)
    }

    fn lacks(&self, told: &Told) -> bool {
        (self.settings.statistics && !told.statistics)
            || (self.settings.incidents && !told.incidents)
    }

    fn seldom(&self, now: Instant, what: &str, every: i64) -> Option<Competition> {
        self.seldom_where(now, what, every, |_| true)
    }

    fn seldom_where(
        &self,
        now: Instant,
        what: &str,
        every: i64,
        is_wanted: impl Fn(&Competition) -> bool,
    ) -> Option<Competition> {
        let mut open = self.watched.iter().filter(|(_, one)| !one.refused);
        let due = open.find(|(competition, _)| {
            is_due(self.seldom.at(what, competition), every, now) && is_wanted(competition)
        });
        due.map(|(competition, _)| competition.clone())
    }

    /// Requests that the rest of the day (UTC) takes for the matches that are known: looks at
    /// those that run, and at the line-ups of those that begin.
    pub(crate) fn needs(&self, now: Instant) -> u64 {
        let day_s = 86_400;
        let second = now.micros().div_euclid(1_000_000);
        let end = now.plus_seconds(day_s - second.rem_euclid(day_s));
        let left = self.known.iter().filter(|(id, _)| !self.told(id).over);
        let kickoffs: Vec<Instant> = left.map(|(_, shown)| shown.kickoff).collect();
        let played_s = played_seconds(&kickoffs, now, end);
        let looks = played_s.div_ceil(u64::from(self.settings.live_every_s.max(1)));
        let begin = kickoffs.iter().filter(|at| now <= **at && **at < end).count() as u64;
        let line_ups = if self.settings.line_ups { begin.div_ceil(IDS_MAX as u64) * 6 } else { 0 };
        looks * (1 + u64::from(self.settings.live_odds)) + line_ups
    }

    /// The provider's number of a competition.
    pub(crate) fn league(&self, competition: &Competition) -> Option<SmolStr> {
        self.watched.get(competition).map(|one| one.league.clone())
    }

    /// All of them.
    pub(crate) fn leagues(&self) -> Vec<&str> {
        self.watched.values().map(|one| one.league.as_str()).collect()
    }

    /// A match that was shown.
    pub(crate) fn known(&self, id: &str) -> Option<&ShownMatch> {
        self.known.get(id)
    }

    fn told(&self, id: &SmolStr) -> Told {
        self.told.get(id).copied().unwrap_or_default()
    }

    /// The matches of a competition that begin within so many seconds.
    pub(crate) fn coming(
        &self,
        competition: &Competition,
        now: Instant,
        seconds: i64,
    ) -> Vec<&ShownMatch> {
        let Some(league) = self.watched.get(competition).map(|one| &one.league) else {
            return Vec::new();
        };
        let end = now.plus_seconds(seconds);
        let of_league = self.known.values().filter(|shown| shown.named.competition == *league);
        of_league.filter(|shown| now < shown.kickoff && shown.kickoff <= end).collect()
    }

    /// The matches that should run and are not among those that are shown to.
    pub(crate) fn missing(&self, shown: &BTreeSet<SmolStr>, now: Instant) -> Vec<SmolStr> {
        let begun = |known: &ShownMatch| {
            known.kickoff.plus_seconds(5_400) <= now && now < known.kickoff.plus_seconds(RUNS_S)
        };
        self.known
            .iter()
            .filter(|(id, known)| begun(known) && !shown.contains(*id) && !self.told(id).over)
            .map(|(id, _)| id.clone())
            .take(IDS_MAX)
            .collect()
    }

    /// Takes down that something is asked for now. What fails is asked for when it is due again.
    pub(crate) fn ask(&mut self, due: &Due, now: Instant) {
        if self.told.len() > TOLD_MAX {
            let old = now.plus_seconds(-3 * 86_400);
            self.known.retain(|_, shown| shown.kickoff > old);
            self.told.retain(|id, _| self.known.contains_key(id));
        }
        match due {
            Due::Calendar(competition) | Due::Odds(competition) => {
                if let Some(one) = self.watched.get_mut(competition) {
                    let is_odds = matches!(due, Due::Odds(_));
                    *(if is_odds { &mut one.odds_at } else { &mut one.calendar_at }) = Some(now);
                }
            }
            Due::Teams(competition) => self.seldom.ask("teams", competition, now),
            Due::Absences(competition) => self.seldom.ask("absences", competition, now),
            Due::Table(competition) => self.seldom.ask("table", competition, now),
            Due::Live => self.live_at = Some(now),
            Due::LiveOdds => self.live_odds_at = Some(now),
            Due::LineUps(ids) => {
                ids.iter().for_each(|id| self.tell(id).line_ups_at = Some(now));
            }
            Due::Details(ids) => ids.iter().for_each(|id| self.tell(id).details_asked = true),
            Due::Single(id) => self.tell(id).single_asked = true,
        }
    }

    fn tell(&mut self, id: &SmolStr) -> &mut Told {
        self.told.entry(id.clone()).or_default()
    }

    /// Takes in what was shown of a match.
    pub(crate) fn show(&mut self, shown: &ShownMatch) {
        let id = &shown.named.id;
        self.known.insert(id.clone(), ShownMatch { facts: Vec::new(), ..shown.clone() });
        let told = self.told.entry(id.clone()).or_default();
        for (_, body) in &shown.facts {
            match body {
                Body::Result(_) => told.over = true,
                Body::LineUps(_) => told.line_ups = true,
                // Those of a match that runs are not all.
                Body::Incidents(_) => told.incidents |= told.over,
                Body::Stats(_) => told.statistics |= told.over,
                _ => {}
            }
        }
    }

    /// Leaves a competition out.
    pub(crate) fn refuse(&mut self, competition: &Competition) {
        if let Some(one) = self.watched.get_mut(competition) {
            one.refused = true;
        }
    }
}

fn is_due(last: Option<Instant>, every: i64, now: Instant) -> bool {
    last.is_none_or(|last| last.plus_seconds(every) <= now)
}

/// In how many seconds of this time at least one match is played.
fn played_seconds(kickoffs: &[Instant], now: Instant, end: Instant) -> u64 {
    let mut spans: Vec<(i64, i64)> = kickoffs
        .iter()
        .map(|at| (at.micros().max(now.micros()), at.plus_seconds(RUNS_USUALLY_S).micros()))
        .map(|(from, to)| (from, to.min(end.micros())))
        .filter(|(from, to)| from < to)
        .collect();
    spans.sort_unstable();
    let (mut played, mut until) = (0, i64::MIN);
    for (from, to) in spans {
        played += (to - from.max(until)).max(0);
        until = until.max(to);
    }
    played.unsigned_abs() / 1_000_000
}

/// When was last asked what is asked seldom: kept in a file, so that a restart does not ask anew.
#[derive(Debug)]
struct Seldom {
    file: Option<PathBuf>,
    at: BTreeMap<String, Instant>,
}

impl Seldom {
    /// A file that is not there or cannot be read counts as never asked.
    fn open(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read(file).ok());
        let at = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file, at }
    }

    fn at(&self, what: &str, competition: &Competition) -> Option<Instant> {
        self.at.get(&format!("{what} {competition}")).copied()
    }

    fn ask(&mut self, what: &str, competition: &Competition, now: Instant) {
        self.at.insert(format!("{what} {competition}"), now);
        if let (Some(file), Ok(text)) = (&self.file, serde_json::to_vec(&self.at)) {
            // What cannot be kept is asked for again by the next process.
            let _ = std::fs::write(file, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn matches_at_one_time_take_the_looks_of_one() {
        let (now, end) = (at("2026-04-18T12:00:00Z"), at("2026-04-19T00:00:00Z"));
        let check = |kickoffs: &[&str], hours: f64| {
            let kickoffs: Vec<Instant> = kickoffs.iter().map(|text| at(text)).collect();
            let seconds = (hours * 3600.0) as u64;
            assert_eq!(played_seconds(&kickoffs, now, end), seconds, "{kickoffs:?}");
        };
        check(&[], 0.0);
        check(&["2026-04-18T14:00:00Z", "2026-04-18T14:00:00Z"], 2.0);
        check(&["2026-04-18T15:00:00Z", "2026-04-18T14:00:00Z"], 3.0);
        check(&["2026-04-18T11:00:00Z", "2026-04-18T23:30:00Z"], 1.5);
        check(&["2026-04-18T09:00:00Z", "2026-04-19T14:00:00Z"], 0.0);
    }

    #[test]
    fn what_is_asked_seldom_is_not_asked_again_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = Some(folder.path().join("asked.json"));
        let (league, now) = ("E0".into(), at("2026-04-18T12:00:00Z"));
        Seldom::open(file.clone()).ask("teams", &league, now);
        assert_eq!(Seldom::open(file.clone()).at("teams", &league), Some(now));
        assert_eq!(Seldom::open(file.clone()).at("table", &league), None);
        std::fs::write(file.as_ref().unwrap(), "broken").unwrap();
        assert_eq!(Seldom::open(file).at("teams", &league), None);
    }
}
