//! The sides that a name could mean: those of a country, each with all that it is called.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::likeness::{Rarity, likeness};
use super::normal::{Normal, normal};

/// A side that a name could mean, and how alike they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The name under which the side goes.
    pub side: SmolStr,
    /// 1 for one of its names, from there down to 0.
    pub likeness: f64,
}

/// What a name means, by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// This side: it is called so.
    Known(SmolStr),
    /// This side: it is called much the same, and no other is.
    Same(Candidate),
    /// No side that is known.
    Different,
    /// One of these or none, the likeliest first.
    Ask(Vec<Candidate>),
}

/// Names at least so alike mean one side, when no other comes near.
const SAME: f64 = 0.8;
/// How much less alike the next side must be.
const MARGIN: f64 = 0.12;
/// A name that is this like one side and far less like any other means it, too: a part of it that
/// no other has.
const PART: (f64, f64) = (0.68, 0.25);
/// Names less alike than this have nothing to do with each other.
const NOTHING: f64 = 0.45;

/// Which side of these pools a name means. Sides that are `taken` it cannot mean; where the pools
/// are `covered` they hold every side, and one that is like none is asked about.
#[must_use]
pub fn judge(pools: &[&Pool], name: &str, taken: &BTreeSet<SmolStr>, covered: bool) -> Verdict {
    let mut called: Vec<&SmolStr> = pools.iter().filter_map(|pool| pool.named(name)).collect();
    called.dedup();
    if let [side] = called.as_slice() {
        return Verdict::Known((*side).clone());
    }
    let mut ranked: Vec<Candidate> = pools.iter().flat_map(|pool| pool.ranked(name, 5)).collect();
    ranked.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
    ranked.retain(|candidate| !taken.contains(&candidate.side));
    ranked.truncate(5);
    let likeness = |at: usize| ranked.get(at).map_or(0.0, |c: &Candidate| c.likeness);
    let (best, ahead) = (likeness(0), likeness(0) - likeness(1));
    if (best >= SAME && ahead >= MARGIN) || (best >= PART.0 && ahead >= PART.1) {
        return Verdict::Same(ranked.swap_remove(0));
    }
    if likeness(0) < NOTHING && !covered {
        return Verdict::Different;
    }
    ranked.retain(|candidate| candidate.likeness >= NOTHING / 2.0);
    Verdict::Ask(ranked)
}

/// Sides, to be found by name.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// Each form that a side is called by, with the side.
    forms: Vec<(Normal, SmolStr)>,
    signatures: BTreeMap<String, Vec<SmolStr>>,
    rarity: Rarity,
}

impl Pool {
    /// Lets a side be found by a name.
    pub fn learn(&mut self, side: &SmolStr, name: &str) {
        let form = normal(name);
        let sides = self.signatures.entry(form.signature.clone()).or_default();
        if sides.contains(side) {
            return;
        }
        sides.push(side.clone());
        let is_new_side = !self.forms.iter().any(|(_, known)| known == side);
        if is_new_side {
            self.rarity.learn(&form);
        }
        self.forms.push((form, side.clone()));
    }

    /// The side that is called so, where there is exactly one.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&SmolStr> {
        match self.signatures.get(&normal(name).signature)?.as_slice() {
            [side] => Some(side),
            several => several.iter().find(|side| side.as_str() == name),
        }
    }

    /// How alike a name is to a side.
    #[must_use]
    pub fn likeness(&self, name: &str, side: &str) -> f64 {
        let name = normal(name);
        let of_side = self.forms.iter().filter(|(_, known)| known == side);
        let best = of_side.map(|(form, _)| likeness(&name, form, &self.rarity)).fold(0.0, f64::max);
        if best > 0.0 { best } else { likeness(&name, &normal(side), &self.rarity) }
    }

    /// The sides that are most like a name, the best first.
    #[must_use]
    pub fn ranked(&self, name: &str, count: usize) -> Vec<Candidate> {
        let name = normal(name);
        let mut best: BTreeMap<&SmolStr, f64> = BTreeMap::new();
        for (form, side) in &self.forms {
            let alike = likeness(&name, form, &self.rarity);
            if alike > 0.0 {
                let known = best.entry(side).or_insert(0.0);
                *known = alike.max(*known);
            }
        }
        let mut ranked: Vec<Candidate> = best
            .into_iter()
            .map(|(side, likeness)| Candidate { side: side.clone(), likeness })
            .collect();
        ranked.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
        ranked.truncate(count);
        ranked
    }
}
