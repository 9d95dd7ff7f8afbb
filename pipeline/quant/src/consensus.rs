//! One opinion out of many: the fair probabilities of several books, already de-vigged.

/// How opinions are put together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The arithmetic mean of each outcome.
    Mean,
    /// The middle of each outcome, of two middles their mean; then scaled to add up again.
    Median,
    /// The mean of each outcome without this share of the books at either end, rounded down; in
    /// 0..0.5. Scaled to add up again.
    TrimmedMean(f64),
    /// The geometric mean of each outcome, scaled to add up again: the logarithmic pool of equal
    /// weights.
    GeometricMean,
}

/// Why books have no common opinion.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ConsensusError {
    /// Nobody has an opinion.
    #[error("a consensus needs at least one book with at least two outcomes")]
    Empty,
    /// Books of different markets.
    #[error("book {book} has {outcomes} outcomes, the first has {first}")]
    Outcomes {
        /// Place of the book, from 0.
        book: usize,
        /// How many it has.
        outcomes: usize,
        /// How many the first has.
        first: usize,
    },
    /// A book's probabilities are no distribution.
    #[error(
        "the probabilities of book {book} must lie in 0..=1 and add up to 1, got a sum of {sum}"
    )]
    Distribution {
        /// Place of the book, from 0.
        book: usize,
        /// What they add up to.
        sum: f64,
    },
    /// A weight is none, or all are zero, or there are not as many as books.
    #[error("there must be one weight a book, none negative and not all zero")]
    Weights,
    /// The share to be cut is none.
    #[error("the share of books cut at either end must lie in 0..0.5, got {0}")]
    Trim(f64),
    /// Every outcome is impossible in some book's eyes.
    #[error("the books agree on no outcome that all of them think possible")]
    Disjoint,
}

/// How far from one a book's probabilities may add up.
const SUM_TOLERANCE: f64 = 1e-6;

/// The common opinion of books that count alike.
///
/// # Errors
/// [`ConsensusError`] for an empty list, books that differ in outcomes or are no distribution, a
/// trim outside 0..0.5.
pub fn consensus<B: AsRef<[f64]>>(rule: Rule, books: &[B]) -> Result<Vec<f64>, ConsensusError> {
    let outcomes = checked(books)?;
    let pooled: Vec<f64> = (0..outcomes)
        .map(|outcome| {
            let mut column: Vec<f64> = books.iter().map(|book| book.as_ref()[outcome]).collect();
            column.sort_by(f64::total_cmp);
            pool(rule, &column)
        })
        .collect::<Result<_, _>>()?;
    scaled(pooled)
}

/// The mean of each outcome, each book counting by its weight: the linear pool.
///
/// # Errors
/// As [`consensus`]; [`ConsensusError::Weights`].
pub fn weighted<B: AsRef<[f64]>>(books: &[B], weights: &[f64]) -> Result<Vec<f64>, ConsensusError> {
    let outcomes = checked(books)?;
    let sum: f64 = weights.iter().sum();
    let valid = weights.iter().all(|weight| *weight >= 0.0) && sum > 0.0 && sum.is_finite();
    if weights.len() != books.len() || !valid {
        return Err(ConsensusError::Weights);
    }
    let mean = |outcome: usize| {
        let weighted = books.iter().zip(weights);
        weighted.map(|(book, weight)| book.as_ref()[outcome] * weight).sum::<f64>() / sum
    };
    scaled((0..outcomes).map(mean).collect())
}

/// One outcome's probabilities, in rising order.
fn pool(rule: Rule, sorted: &[f64]) -> Result<f64, ConsensusError> {
    let books = sorted.len();
    let mean = |kept: &[f64]| kept.iter().sum::<f64>() / kept.len() as f64;
    Ok(match rule {
        Rule::Mean => mean(sorted),
        Rule::Median => (sorted[(books - 1) / 2] + sorted[books / 2]) / 2.0,
        Rule::TrimmedMean(share) if (0.0..0.5).contains(&share) => {
            // Rounded down, and below half: at least one book is left.
            let cut = (share * books as f64) as usize;
            mean(&sorted[cut..books - cut])
        }
        Rule::TrimmedMean(share) => return Err(ConsensusError::Trim(share)),
        Rule::GeometricMean => {
            let logs: f64 = sorted.iter().map(|p| libm::log(*p)).sum();
            libm::exp(logs / books as f64)
        }
    })
}

fn scaled(mut pooled: Vec<f64>) -> Result<Vec<f64>, ConsensusError> {
    let sum: f64 = pooled.iter().sum();
    if sum <= 0.0 {
        return Err(ConsensusError::Disjoint);
    }
    pooled.iter_mut().for_each(|p| *p /= sum);
    Ok(pooled)
}

/// The number of outcomes, once every book is a distribution over as many.
fn checked<B: AsRef<[f64]>>(books: &[B]) -> Result<usize, ConsensusError> {
    let first = books.first().map_or(0, |book| book.as_ref().len());
    if first < 2 {
        return Err(ConsensusError::Empty);
    }
    for (book, opinion) in books.iter().map(B::as_ref).enumerate() {
        if opinion.len() != first {
            return Err(ConsensusError::Outcomes { book, outcomes: opinion.len(), first });
        }
        let sum: f64 = opinion.iter().sum();
        let inside = opinion.iter().all(|p| (0.0..=1.0).contains(p));
        if !(inside && (sum - 1.0).abs() <= SUM_TOLERANCE) {
            return Err(ConsensusError::Distribution { book, sum });
        }
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOKS: [[f64; 3]; 4] =
        [[0.50, 0.30, 0.20], [0.52, 0.28, 0.20], [0.54, 0.26, 0.20], [0.80, 0.10, 0.10]];

    fn check(rule: Rule, expected: [f64; 3]) {
        let pooled = consensus(rule, &BOOKS).unwrap();
        let sum: f64 = expected.iter().sum();
        for (p, q) in pooled.iter().zip(expected) {
            assert!((p - q / sum).abs() < 1e-12, "{rule:?}: {pooled:?}");
        }
        assert!((pooled.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn each_rule_pools_as_it_says() {
        check(Rule::Mean, [0.59, 0.235, 0.175]);
        check(Rule::Median, [0.53, 0.27, 0.20]);
        check(Rule::TrimmedMean(0.25), [0.53, 0.27, 0.20]);
        check(Rule::TrimmedMean(0.2), [0.59, 0.235, 0.175]);
        let geometric = |ps: [f64; 4]| libm::pow(ps.iter().product(), 0.25);
        let column = |at: usize| geometric(BOOKS.map(|book| book[at]));
        check(Rule::GeometricMean, [column(0), column(1), column(2)]);
    }

    #[test]
    fn a_weight_of_one_book_alone_is_that_book() {
        let alone = weighted(&BOOKS, &[0.0, 3.0, 0.0, 0.0]).unwrap();
        for (p, q) in alone.iter().zip(BOOKS[1]) {
            assert!((p - q).abs() < 1e-15);
        }
        for wrong in [&[1.0][..], &[0.0; 4], &[1.0, -1.0, 1.0, 1.0], &[f64::NAN; 4]] {
            assert_eq!(weighted(&BOOKS, wrong), Err(ConsensusError::Weights));
        }
    }

    #[test]
    fn opinions_that_are_none_are_refused_by_place() {
        let none: [[f64; 3]; 0] = [];
        assert_eq!(consensus(Rule::Mean, &none), Err(ConsensusError::Empty));
        let uneven = [vec![0.5, 0.5], vec![0.4, 0.3, 0.3]];
        let refused = Err(ConsensusError::Outcomes { book: 1, outcomes: 3, first: 2 });
        assert_eq!(consensus(Rule::Mean, &uneven), refused);
        let offered = consensus(Rule::Mean, &[[0.5, 0.5], [0.6, 0.5]]);
        assert!(matches!(offered, Err(ConsensusError::Distribution { book: 1, .. })));
        assert!(consensus(Rule::Mean, &[[f64::NAN, 0.5]]).is_err());
        assert_eq!(consensus(Rule::TrimmedMean(0.5), &BOOKS), Err(ConsensusError::Trim(0.5)));
        let apart = [[1.0, 0.0], [0.0, 1.0]];
        assert_eq!(consensus(Rule::GeometricMean, &apart), Err(ConsensusError::Disjoint));
    }
}
