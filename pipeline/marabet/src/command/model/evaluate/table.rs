//! The evaluation as text: a table for each league and season, then what it comes to.

use std::io::{self, Write};

use marabet_quant::walkforward::{Evaluation, Scored};

use super::Report;
use crate::output::{Answer, or_dash};

impl Answer for Report {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let [first, last] = self.seasons;
        let mut groups: Vec<(Option<&str>, Option<i32>)> = Vec::new();
        for scored in &self.evaluation.scored {
            let group = (scored.league.as_deref(), scored.season);
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        // What matters most comes last, where a terminal shows it.
        groups.sort_by_key(|(league, season)| {
            (usize::from(league.is_none()) + usize::from(season.is_none()), *league, *season)
        });
        for (league, season) in groups {
            let of_group = self
                .evaluation
                .scored
                .iter()
                .filter(|scored| (scored.league.as_deref(), scored.season) == (league, season));
            let seasons =
                season.map_or_else(|| format!("{}–{}", in_words(first), in_words(last)), in_words);
            let leagues = league.map_or_else(|| self.leagues.join(", "), str::to_owned);
            write_group(out, &format!("{leagues}, {seasons}"), of_group)?;
        }
        self.write_chosen(out)?;
        self.write_refits(out)?;
        self.write_blend(out)?;
        self.write_verdicts(out)
    }
}

/// A season as it is called: `2023/24`.
fn in_words(season: i32) -> String {
    format!("{season}/{:02}", (season + 1).rem_euclid(100))
}

fn write_group<'a>(
    out: &mut dyn Write,
    title: &str,
    scored: impl Iterator<Item = &'a Scored>,
) -> io::Result<()> {
    let mut scored = scored.peekable();
    let matches = scored.peek().map_or(0, |first| first.scores.forecasts);
    writeln!(out, "{title}: {matches} matches")?;
    writeln!(
        out,
        "  {:<22} {:>8} {:>9} {:>12} {:>24} {:>26}",
        "", "RPS", "log-loss", "calibration", "RPS behind the close", "log-loss behind"
    )?;
    for one in scored {
        let behind = |of: fn(&marabet_quant::walkforward::Difference) -> [f64; 3]| {
            or_dash(one.against.as_ref().map(|against| {
                let [difference, low, high] = of(against);
                format!("{difference:+.5} ({low:+.5} … {high:+.5})")
            }))
        };
        writeln!(
            out,
            "  {:<22} {:>8.5} {:>9.5} {:>12.5} {:>30} {:>30}",
            one.name,
            one.scores.rps,
            one.scores.log_loss,
            one.calibration.error,
            behind(|d| [d.rps.difference, d.rps.low, d.rps.high]),
            behind(|d| [d.log_loss.difference, d.log_loss.low, d.log_loss.high]),
        )?;
    }
    writeln!(out)
}

impl Report {
    /// Decays, weights and exponents of each season.
    fn write_chosen(&self, out: &mut dyn Write) -> io::Result<()> {
        let [first, last] = self.seasons;
        writeln!(out, "chosen for each season on the seasons before it")?;
        let of_blend = self.blend.iter().flat_map(|blend| &blend.chosen);
        for (name, chosen) in self.evaluation.chosen.iter().chain(of_blend) {
            for (season, what) in chosen.range(first..=last) {
                writeln!(out, "  {name:<16} {}  {what}", in_words(*season))?;
            }
        }
        writeln!(out)
    }

    fn write_refits(&self, out: &mut dyn Write) -> io::Result<()> {
        for (name, refits) in &self.refits {
            writeln!(
                out,
                "{name}: {} refits, {} that did not converge, {} with too little to go by",
                refits.done, refits.not_converged, refits.failed
            )?;
        }
        writeln!(out)
    }

    fn write_blend(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(blend) = &self.blend else { return Ok(()) };
        let (Some(scored), Some(alone)) = (blend.overall("blend"), blend.overall("recalibrated"))
        else {
            return Ok(());
        };
        let Some(against) = &scored.against else { return Ok(()) };
        let gain = if against.rps.high < 0.0 { "a gain" } else { "no gain" };
        writeln!(
            out,
            "blend of model and pre-match odds, against those odds with the same freedom to \
             recalibrate, on {} matches:\n  RPS {:.5} and {:.5}, {:+.5} ({:+.5} … {:+.5}); \
             log-loss {:+.5} ({:+.5} … {:+.5}): {gain}",
            blend.matches,
            scored.scores.rps,
            alone.scores.rps,
            against.rps.difference,
            against.rps.low,
            against.rps.high,
            against.log_loss.difference,
            against.log_loss.low,
            against.log_loss.high,
        )
    }

    /// Whether each forecaster beats the base rates, and each learned one the goal models.
    fn write_verdicts(&self, out: &mut dyn Write) -> io::Result<()> {
        let evaluation = &self.evaluation;
        let (Some(base), Some(best)) = (evaluation.overall("base_rates"), best(evaluation)) else {
            return Ok(());
        };
        let behind = best.against.as_ref().map_or(0.0, |against| against.rps.difference);
        writeln!(
            out,
            "best without odds: {}, RPS {:.5}, {behind:+.5} behind the closing odds",
            best.name, best.scores.rps
        )?;
        for scored in evaluation.scored.iter().filter(|s| s.league.is_none() && s.season.is_none())
        {
            let name = scored.name.as_str();
            if name != "base_rates" && scored.scores.rps >= base.scores.rps {
                writeln!(out, "{name} does not beat the base rates")?;
            }
            let learned = name == "boosted_trees" || name == "random_forest";
            if learned && scored.scores.rps >= best.scores.rps {
                writeln!(
                    out,
                    "{name} does not earn its place: RPS {:+.5} against {}",
                    scored.scores.rps - best.scores.rps,
                    best.name
                )?;
            }
        }
        Ok(())
    }
}

/// The forecaster without odds that has the best score over all leagues and seasons.
pub(super) fn best(evaluation: &Evaluation) -> Option<&Scored> {
    let overall = evaluation.scored.iter().filter(|s| s.league.is_none() && s.season.is_none());
    let without_odds = overall.filter(|s| !s.name.starts_with("market_"));
    without_odds.min_by(|a, b| a.scores.rps.total_cmp(&b.scores.rps))
}
