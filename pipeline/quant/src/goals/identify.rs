//! Whether the matches can tell the strengths at all, without a prior.

use super::FitError;
use super::tally::Tally;

/// Refuses data for which the maximum likelihood estimate does not exist or is not unique.
pub(super) fn check(teams: &[&str], tally: &Tally) -> Result<(), FitError> {
    let mut scored = vec![0.0; teams.len()];
    let mut conceded = vec![0.0; teams.len()];
    for pairing in &tally.pairings {
        scored[pairing.home] += pairing.home_goals;
        conceded[pairing.home] += pairing.away_goals;
        scored[pairing.away] += pairing.away_goals;
        conceded[pairing.away] += pairing.home_goals;
    }
    linked(teams, tally)?;
    for (team, name) in teams.iter().enumerate() {
        let team_name = || (*name).to_owned();
        if scored[team] == 0.0 {
            let (verb, strength) = ("scored", "attack");
            return Err(FitError::NoGoals { team: team_name(), verb, strength });
        }
        if conceded[team] == 0.0 {
            let (verb, strength) = ("conceded", "defence");
            return Err(FitError::NoGoals { team: team_name(), verb, strength });
        }
    }
    Ok(())
}

/// Refuses total goals of zero on either side, which no prior on differences between teams mends.
pub(super) fn check_level(tally: &Tally, matches: usize) -> Result<(), FitError> {
    let home: f64 = tally.pairings.iter().map(|p| p.home_goals).sum();
    let away: f64 = tally.pairings.iter().map(|p| p.away_goals).sum();
    let side = match (home > 0.0, away > 0.0) {
        (true, true) => return Ok(()),
        (false, _) => "home",
        (true, false) => "away",
    };
    Err(FitError::NoGoalsAtAll { side, matches })
}

/// A match compares the attack of each side with the defence of the other. Unless these
/// comparisons link all attacks and defences, the strengths of one group can be shifted against
/// those of another without changing any mean.
fn linked(teams: &[&str], tally: &Tally) -> Result<(), FitError> {
    let count = teams.len();
    let mut parent: Vec<usize> = (0..2 * count).collect();
    for pairing in &tally.pairings {
        for (attack, defence) in [(pairing.home, pairing.away), (pairing.away, pairing.home)] {
            let (a, b) = (root(&mut parent, attack), root(&mut parent, count + defence));
            parent[a.max(b)] = a.min(b);
        }
    }
    let roots: Vec<usize> = (0..2 * count).map(|node| root(&mut parent, node)).collect();
    let groups = roots.iter().enumerate().filter(|(node, root)| node == *root).count();
    if groups == 1 {
        return Ok(());
    }
    let of_another = roots.iter().position(|&root| root != roots[0]).expect("groups beyond one");
    let (example, other) = (teams[0].to_owned(), teams[of_another % count].to_owned());
    Err(FitError::Disconnected { groups, example, other })
}

fn root(parent: &mut [usize], mut node: usize) -> usize {
    while parent[node] != node {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    node
}
