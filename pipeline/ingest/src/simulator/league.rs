//! The sides of a league and how strong they are.

use super::chance::Chance;
use super::settings::Settings;

/// Places that do not exist; a league takes the first and those below follow.
pub(super) const NAMES: [&str; 36] = [
    "Ashcombe",
    "Brackenholm",
    "Calderwick",
    "Dunmarrow",
    "Elmsworth",
    "Fenwater",
    "Garrowby",
    "Hartsmere",
    "Inglewick",
    "Jorvale",
    "Kestrel Bay",
    "Larkhollow",
    "Marlingford",
    "Northwold",
    "Oakreach",
    "Penmarsh",
    "Quarrington",
    "Ravenscar",
    "Stonebeck",
    "Thornfleet",
    "Ulverdale",
    "Vennick",
    "Westerhay",
    "Yarrowmere",
    "Zennock",
    "Aldwater",
    "Birchley",
    "Coldharbour",
    "Draymoor",
    "Eskford",
    "Farrowgate",
    "Greyholm",
    "Hawkstead",
    "Ivelbridge",
    "Kingsmarsh",
    "Lowenby",
];

/// One side.
#[derive(Debug, Clone)]
struct Strength {
    attack: f64,
    defence: f64,
    /// Where attack and defence return to.
    long_run: [f64; 2],
}

/// The sides that play, and those that wait below.
#[derive(Debug, Clone)]
pub(super) struct League {
    chance: Chance,
    strengths: Vec<Strength>,
    /// Places in [`NAMES`] of the sides that play, in the order of the table when it is made.
    playing: Vec<usize>,
    /// Those below; the first comes up next.
    waiting: Vec<usize>,
}

impl League {
    pub(super) fn new(settings: &Settings) -> Self {
        // Stream 0; each match has one of its own.
        let mut chance = Chance::new(settings.seed, 0);
        let sides = usize::from(settings.sides);
        let spread = settings.goals.spread;
        let strengths = (0..NAMES.len())
            .map(|place| {
                // Who comes from below is weaker than the middle.
                let level = if place < sides { 0.0 } else { -spread / 2.0 };
                let long_run = [level + chance.normal(spread), level + chance.normal(spread)];
                Strength { attack: long_run[0], defence: long_run[1], long_run }
            })
            .collect();
        let playing = (0..sides).collect();
        let waiting = (sides..NAMES.len()).collect();
        Self { chance, strengths, playing, waiting }
    }

    /// The sides that play, by their places in [`NAMES`].
    pub(super) fn playing(&self) -> &[usize] {
        &self.playing
    }

    /// The expected goals `(λ, μ)` of a match this week.
    pub(super) fn rates(&self, settings: &Settings, home: usize, away: usize) -> (f64, f64) {
        let (home, away) = (&self.strengths[home], &self.strengths[away]);
        let goals = &settings.goals;
        let base = libm::log(goals.base);
        let rate = |log_rate: f64| libm::exp(log_rate.clamp(-1.8, 1.5));
        (
            rate(base + goals.home_advantage + home.attack - away.defence),
            rate(base + away.attack - home.defence),
        )
    }

    /// A week goes by.
    pub(super) fn drift(&mut self, settings: &Settings) {
        let goals = &settings.goals;
        for strength in &mut self.strengths {
            let [attack, defence] = strength.long_run;
            let mut next = |now: f64, long_run: f64| {
                let kept = goals.persistence_weekly * (now - long_run);
                long_run + kept + self.chance.normal(goals.drift_weekly)
            };
            strength.attack = next(strength.attack, attack);
            strength.defence = next(strength.defence, defence);
        }
    }

    /// The season ends: the last of the table go down, others come up, and all change over the
    /// summer. `points` are those of [`League::playing`], in its order.
    pub(super) fn end_season(&mut self, settings: &Settings, points: &[u32]) {
        let mut table: Vec<(u32, usize)> =
            points.iter().copied().zip(self.playing.iter().copied()).collect();
        table.sort_by_key(|&(points, side)| (std::cmp::Reverse(points), side));
        let stay = table.len() - usize::from(settings.relegated);
        self.playing = table.iter().map(|&(_, side)| side).collect();
        let down = self.playing.split_off(stay);
        let up: Vec<usize> = self.waiting.drain(..down.len()).collect();
        self.playing.extend(up);
        self.playing.sort_unstable();
        self.waiting.extend(down);
        for strength in &mut self.strengths {
            for long_run in &mut strength.long_run {
                *long_run = 0.9 * *long_run + self.chance.normal(settings.goals.spread / 3.0);
            }
        }
    }
}
