//! How alike two names are, word by word.
//!
//! Each word of one name is paired with the word of the other that it is most like: equal,
//! spelt alike (Jaro–Winkler, by `strsim`), its beginning, or an abbreviation of it. What is paired
//! counts by how much the word tells, and how rare it is among the names that could be meant.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::normal::{Normal, Word};

/// How many of the names in question hold each word.
#[derive(Debug, Clone, Default)]
pub(super) struct Rarity {
    counts: BTreeMap<SmolStr, u32>,
}

impl Rarity {
    /// Counts the words of a name.
    pub(super) fn learn(&mut self, name: &Normal) {
        for word in &name.words {
            *self.counts.entry(word.text.clone()).or_default() += 1;
        }
    }

    /// How much a word tells here: less for one that many hold.
    fn weight(&self, word: &Word) -> f64 {
        let count = self.counts.get(&word.text).copied().unwrap_or(0);
        word.weight / f64::from(count.max(1)).cbrt()
    }
}

/// From 0, nothing in common, to 1, the same words.
#[must_use]
pub(super) fn likeness(a: &Normal, b: &Normal, rarity: &Rarity) -> f64 {
    if a.eleven != b.eleven {
        return 0.0;
    }
    if a.signature == b.signature {
        return 1.0;
    }
    if is_initials(a, b) || is_initials(b, a) {
        return 0.9;
    }
    let total = |name: &Normal| -> f64 { name.words.iter().map(|w| rarity.weight(w)).sum() };
    let (of_a, of_b) = (total(a), total(b));
    let (paired_a, paired_b) = paired(a, b, rarity);
    if of_a <= 0.0 || of_b <= 0.0 {
        return 0.0;
    }
    let both = (paired_a + paired_b) / (of_a + of_b);
    let shorter = if of_a < of_b { paired_a / of_a } else { paired_b / of_b };
    // One of several of that name, and it is not said which.
    let sure = if a.country == b.country { 1.0 } else { 0.78 };
    // A name that is contained in the other is likely short for it, but not as surely as one
    // that is spelt out.
    sure * (0.55 * both + 0.45 * shorter - 0.001).max(0.0)
}

/// The weight of what is paired, of each name.
fn paired(a: &Normal, b: &Normal, rarity: &Rarity) -> (f64, f64) {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (i, of_a) in a.words.iter().enumerate() {
        for (j, of_b) in b.words.iter().enumerate() {
            let alike = alike(&of_a.text, &of_b.text);
            if alike > 0.0 {
                pairs.push((alike, i, j));
            }
        }
    }
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)).then(x.2.cmp(&y.2)));
    let (mut used_a, mut used_b) = (vec![false; a.words.len()], vec![false; b.words.len()]);
    let (mut sum_a, mut sum_b) = (0.0, 0.0);
    for (alike, i, j) in pairs {
        if !used_a[i] && !used_b[j] {
            used_a[i] = true;
            used_b[j] = true;
            sum_a += alike * rarity.weight(&a.words[i]);
            sum_b += alike * rarity.weight(&b.words[j]);
        }
    }
    (sum_a, sum_b)
}

/// How alike two words are.
fn alike(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let digits = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    if digits(a) || digits(b) {
        return 0.0;
    }
    if long.starts_with(short) {
        let share = short.len() as f64 / long.len() as f64;
        return if short.len() >= 3 { 0.6 + 0.4 * share } else { 0.6 };
    }
    let spelling = strsim::jaro_winkler(a, b);
    if spelling >= 0.92 && short.len() >= 4 {
        return 0.67 + (spelling - 0.92) * 3.5;
    }
    if short.len() >= 2 && is_abbreviation(short, long) {
        return if short.len() >= 4 { 0.75 } else { 0.6 };
    }
    0.0
}

/// Whether the short word is the long one with letters left out, its first kept.
fn is_abbreviation(short: &str, long: &str) -> bool {
    if short.len() >= long.len() || short.as_bytes().first() != long.as_bytes().first() {
        return false;
    }
    let mut letters = long.bytes();
    short.bytes().all(|letter| letters.any(|of_long| of_long == letter))
}

/// Whether one name is a single word of the other's initials: `QPR`.
fn is_initials(short: &Normal, long: &Normal) -> bool {
    let [word] = short.words.as_slice() else { return false };
    if word.text.len() < 3 || long.words.len() != word.text.len() {
        return false;
    }
    long.words.iter().zip(word.text.bytes()).all(|(w, initial)| w.text.as_bytes()[0] == initial)
}

#[cfg(test)]
mod tests {
    use super::super::normal::normal;
    use super::*;

    fn of(a: &str, b: &str) -> f64 {
        likeness(&normal(a), &normal(b), &Rarity::default())
    }

    #[test]
    fn what_means_the_same_side_is_more_alike_than_what_does_not() {
        for (name, right, wrong) in [
            ("Man United", "Manchester United", "Manchester City"),
            ("Nott'm Forest", "Nottingham Forest", "Notts County"),
            ("QPR", "Queens Park Rangers", "Queen of the South"),
            ("Sheffield Weds", "Sheffield Wednesday", "Sheffield United"),
            ("Ein Frankfurt", "Eintracht Frankfurt", "Eintracht Braunschweig"),
            ("Leverkusen", "Bayer 04 Leverkusen", "Bayern Munich"),
        ] {
            assert!(of(name, right) > of(name, wrong) + 0.1, "{name}");
        }
    }

    #[test]
    fn likeness_lies_between_nothing_and_one_and_knows_no_order() {
        let names = ["", "FC", "Ajax", "Jong Ajax", "Real Madrid", "Real Sociedad", "1860 Munich"];
        for a in names {
            for b in names {
                assert!((0.0..=1.0).contains(&of(a, b)), "{a} {b}");
                assert!((of(a, b) - of(b, a)).abs() < 1e-12, "{a} {b}");
            }
        }
        assert!(of("Ajax", "Jong Ajax") == 0.0);
    }
}
