//! The penalised log-likelihood with its derivatives.

use super::TrainingSet;
use super::cholesky::Square;
use super::laws::{LOCAL_MAX, Law, Local, LogRates, Matches, Shape};
use super::tally::{Pairing, Tally};

/// Where each parameter stands: home advantage, attacks, defences, covariates, shapes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) teams: usize,
    pub(super) covariates: usize,
    pub(super) shapes: usize,
}

impl Layout {
    pub(super) const HOME: usize = 0;

    pub(super) fn attack(self, team: usize) -> usize {
        1 + team
    }

    pub(super) fn defence(self, team: usize) -> usize {
        1 + self.teams + team
    }

    pub(super) fn covariate(self, covariate: usize) -> usize {
        1 + 2 * self.teams + covariate
    }

    pub(super) fn shape(self, shape: usize) -> usize {
        1 + 2 * self.teams + self.covariates + shape
    }

    pub(super) fn size(self) -> usize {
        self.shape(self.shapes)
    }
}

/// The hierarchical prior as the optimiser sees it.
#[derive(Debug, Clone)]
pub(super) struct Penalty {
    /// `1 / σ²` of attacks and of defences.
    pub(super) precision: [f64; 2],
    /// Expected offsets of attacks and of defences, by team.
    pub(super) expected: [Vec<f64>; 2],
}

/// The function that is maximised.
pub(super) struct Objective<'a, L> {
    pub(super) set: &'a TrainingSet,
    pub(super) tally: &'a Tally,
    pub(super) law: L,
    pub(super) penalty: Option<&'a Penalty>,
    /// Parameters that stay where they are.
    pub(super) held: Vec<bool>,
    pub(super) layout: Layout,
}

/// Value and derivatives at a point.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) parameters: Vec<f64>,
    /// The log-likelihood less its constant.
    pub(super) log_likelihood: f64,
    /// What is maximised: the log-likelihood less the penalties.
    pub(super) value: f64,
    /// Zero for parameters that are held.
    pub(super) gradient: Vec<f64>,
    /// The slopes in the shapes, held or not.
    pub(super) shape_slopes: [f64; LOCAL_MAX],
    pub(super) curvature: Curvature,
}

/// The negative second derivatives of what is maximised.
#[derive(Debug, Clone)]
pub(super) enum Curvature {
    /// Written out, lower triangle.
    Dense(Square),
    /// As the second derivatives of each pairing, where there are too many parameters to write it
    /// out.
    Sparse(Vec<Local>),
}

/// Up to so many parameters the curvature is written out.
const DENSE_MAX: usize = 1000;

impl Point {
    pub(super) fn new(size: usize) -> Self {
        let curvature = if size <= DENSE_MAX {
            Curvature::Dense(Square::zero(size))
        } else {
            Curvature::Sparse(Vec::new())
        };
        Self {
            parameters: vec![0.0; size],
            log_likelihood: f64::NAN,
            value: f64::NEG_INFINITY,
            gradient: vec![0.0; size],
            shape_slopes: [0.0; LOCAL_MAX],
            curvature,
        }
    }
}

/// The parameters, with their factors, that each local variable of a pairing sums.
#[derive(Default)]
struct Terms {
    of: [Vec<(usize, f64)>; LOCAL_MAX],
}

impl<L: Law> Objective<'_, L> {
    /// Weight of the term that fixes the mean attack at one: that of the data per team, so that
    /// the curvature stays well scaled.
    pub(super) fn anchor(&self) -> f64 {
        let teams = self.layout.teams as f64;
        self.tally.weight / (teams * teams)
    }

    /// The shape whose parameter stands at `index`, if it is one.
    pub(super) fn shape_at(&self, index: usize) -> Option<&'static Shape> {
        index.checked_sub(self.layout.shape(0)).and_then(|shape| L::SHAPES.get(shape))
    }

    /// The point at `parameters`, computed into `point`'s storage; false where the law is no law.
    pub(super) fn evaluate(&self, parameters: &[f64], point: &mut Point) -> bool {
        point.parameters.copy_from_slice(parameters);
        point.gradient.fill(0.0);
        match &mut point.curvature {
            Curvature::Dense(square) => square.clear(),
            Curvature::Sparse(locals) => locals.clear(),
        }
        let strengths = &parameters[..self.layout.covariate(0)];
        let exps: Vec<f64> = strengths.iter().map(|&p| libm::exp(p)).collect();
        let shapes = &parameters[self.layout.shape(0)..];
        let prepared = self.law.prepare(shapes, self.tally.goals_max);
        let mut terms = Terms::default();
        let mut log_likelihood = 0.0;
        for pairing in &self.tally.pairings {
            let rates = self.rates(pairing, parameters, &exps);
            let mut local = Local::default();
            let scores = &self.tally.scores[pairing.scores.clone()];
            let matches = Matches { sums: pairing, scores };
            match self.law.log_likelihood(&prepared, matches, &rates, shapes, &mut local) {
                Some(value) if value.is_finite() => log_likelihood += value,
                _ => return false,
            }
            self.list_terms(pairing, &mut terms);
            self.scatter(&terms, &local, point);
        }
        point.log_likelihood = log_likelihood;
        point.value = log_likelihood - self.penalise(point);
        let slopes = point.gradient[self.layout.shape(0)..].iter();
        point.shape_slopes.iter_mut().zip(slopes).for_each(|(kept, slope)| *kept = *slope);
        self.hold(point);
        point.value.is_finite()
    }

    fn rates(&self, pairing: &Pairing, parameters: &[f64], exps: &[f64]) -> LogRates {
        let layout = self.layout;
        let (home_attack, away_defence) =
            (layout.attack(pairing.home), layout.defence(pairing.away));
        let (away_attack, home_defence) =
            (layout.attack(pairing.away), layout.defence(pairing.home));
        let mut rates = LogRates {
            ln_lambda: parameters[home_attack] + parameters[away_defence],
            ln_mu: parameters[away_attack] + parameters[home_defence],
            lambda: exps[home_attack] * exps[away_defence],
            mu: exps[away_attack] * exps[home_defence],
        };
        if !pairing.neutral {
            rates.ln_lambda += parameters[Layout::HOME];
            rates.lambda *= exps[Layout::HOME];
        }
        if pairing.ln_exposure != 0.0 || layout.covariates > 0 {
            let betas = &parameters[layout.covariate(0)..layout.shape(0)];
            let (home, away) = self.covariates(pairing);
            let effect = |values: &[f64]| betas.iter().zip(values).map(|(b, z)| b * z).sum::<f64>();
            rates.ln_lambda += pairing.ln_exposure + effect(home);
            rates.ln_mu += pairing.ln_exposure + effect(away);
            rates.lambda = libm::exp(rates.ln_lambda);
            rates.mu = libm::exp(rates.ln_mu);
        }
        rates
    }

    fn covariates(&self, pairing: &Pairing) -> (&[f64], &[f64]) {
        self.set.covariates_of(pairing.example).split_at(self.layout.covariates)
    }

    fn list_terms(&self, pairing: &Pairing, terms: &mut Terms) {
        let layout = self.layout;
        terms.of.iter_mut().for_each(Vec::clear);
        let [home, away, shapes @ ..] = &mut terms.of;
        home.extend([(layout.attack(pairing.home), 1.0), (layout.defence(pairing.away), 1.0)]);
        away.extend([(layout.attack(pairing.away), 1.0), (layout.defence(pairing.home), 1.0)]);
        if !pairing.neutral {
            home.push((Layout::HOME, 1.0));
        }
        if layout.covariates > 0 {
            let (of_home, of_away) = self.covariates(pairing);
            for (list, values) in [(home, of_home), (away, of_away)] {
                let present = values.iter().enumerate().filter(|(_, value)| **value != 0.0);
                list.extend(present.map(|(index, &value)| (layout.covariate(index), value)));
            }
        }
        for (index, list) in shapes.iter_mut().enumerate().take(layout.shapes) {
            list.push((layout.shape(index), 1.0));
        }
    }

    /// Carries a pairing's derivatives over to the parameters that its local variables sum.
    #[inline]
    fn scatter(&self, terms: &Terms, local: &Local, point: &mut Point) {
        let variables = 2 + self.layout.shapes;
        for (list, first) in terms.of.iter().zip(&local.first).take(variables) {
            for &(row, factor) in list {
                point.gradient[row] += factor * first;
            }
        }
        let curvature = match &mut point.curvature {
            Curvature::Dense(square) => square,
            Curvature::Sparse(locals) => return locals.push(*local),
        };
        for u in 0..variables {
            for (place, &(row, factor)) in terms.of[u].iter().enumerate() {
                let factor = factor * local.second[u][u];
                for &(column, other) in &terms.of[u][..=place] {
                    curvature.add(row, column, -factor * other);
                }
            }
            for v in 0..u {
                let second = local.second[u][v];
                if second == 0.0 {
                    continue;
                }
                for &(row, factor) in &terms.of[u] {
                    for &(column, other) in &terms.of[v] {
                        // A parameter in both variables stands on the diagonal twice.
                        let twice = if row == column { 2.0 } else { 1.0 };
                        curvature.add(row, column, -twice * second * factor * other);
                    }
                }
            }
        }
    }

    /// Adds the penalties' derivatives and returns their value.
    fn penalise(&self, point: &mut Point) -> f64 {
        let teams = self.layout.teams;
        let anchor = self.anchor();
        let attacks = 1..=teams;
        let excess: f64 = point.parameters[attacks.clone()].iter().sum::<f64>() - teams as f64;
        for row in attacks {
            point.gradient[row] -= anchor * excess;
            if let Curvature::Dense(square) = &mut point.curvature {
                (1..=row).for_each(|column| square.add(row, column, anchor));
            }
        }
        let mut value = 0.5 * anchor * excess * excess;
        let Some(penalty) = self.penalty else { return value };
        for (kind, first) in [(0, 1), (1, 1 + teams)] {
            let (precision, expected) = (penalty.precision[kind], &penalty.expected[kind]);
            let strengths = point.parameters[first..first + teams].iter();
            let away = centred(strengths.zip(expected).map(|(s, offset)| s - offset).collect());
            for (row, strength) in away.iter().enumerate() {
                value += 0.5 * precision * strength * strength;
                point.gradient[first + row] -= precision * strength;
                if let Curvature::Dense(square) = &mut point.curvature {
                    for column in 0..=row {
                        let own = if row == column { 1.0 } else { 0.0 };
                        let entry = precision * (own - 1.0 / teams as f64);
                        square.add(first + row, first + column, entry);
                    }
                }
            }
        }
        value
    }

    /// Takes the parameters that are held out of the system.
    pub(super) fn hold(&self, point: &mut Point) {
        let size = self.layout.size();
        for (held, _) in self.held.iter().enumerate().filter(|(_, held)| **held) {
            point.gradient[held] = 0.0;
            let Curvature::Dense(square) = &mut point.curvature else { continue };
            for other in 0..size {
                let (row, column) = (held.max(other), held.min(other));
                square.cells[row * size + column] = if row == column { 1.0 } else { 0.0 };
            }
        }
    }

    /// The sparse curvature at `point` times `vector`, and its diagonal when `diagonal` is given.
    pub(super) fn multiply(
        &self,
        locals: &[Local],
        vector: &[f64],
        mut diagonal: Option<&mut [f64]>,
    ) -> Vec<f64> {
        let mut product = vec![0.0; vector.len()];
        let mut terms = Terms::default();
        let free = |index: usize| if self.held[index] { 0.0 } else { vector[index] };
        for (pairing, local) in self.tally.pairings.iter().zip(locals) {
            self.list_terms(pairing, &mut terms);
            let variables = 2 + self.layout.shapes;
            let along: [f64; LOCAL_MAX] = std::array::from_fn(|u| {
                terms.of[u].iter().map(|&(index, factor)| factor * free(index)).sum()
            });
            for u in 0..variables {
                let second = |v: usize| local.second[u.max(v)][u.min(v)];
                let bent: f64 = (0..variables).map(|v| second(v) * along[v]).sum();
                for &(index, factor) in &terms.of[u] {
                    product[index] -= factor * bent;
                    if let Some(diagonal) = diagonal.as_deref_mut() {
                        diagonal[index] -= factor * factor * second(u);
                    }
                }
            }
        }
        self.multiply_penalties(vector, &mut product, diagonal.as_deref_mut());
        for (index, _) in self.held.iter().enumerate().filter(|(_, held)| **held) {
            product[index] = vector[index];
            if let Some(diagonal) = diagonal.as_deref_mut() {
                diagonal[index] = 1.0;
            }
        }
        product
    }

    fn multiply_penalties(
        &self,
        vector: &[f64],
        product: &mut [f64],
        mut diagonal: Option<&mut [f64]>,
    ) {
        let teams = self.layout.teams;
        let attacks: f64 = vector[1..=teams].iter().sum();
        for kind in 0..2 {
            let strengths = 1 + kind * teams..1 + (kind + 1) * teams;
            let anchor = if kind == 0 { self.anchor() } else { 0.0 };
            let precision = self.penalty.map_or(0.0, |penalty| penalty.precision[kind]);
            let away = centred(vector[strengths.clone()].to_vec());
            for (place, index) in strengths.enumerate() {
                product[index] += anchor * attacks + precision * away[place];
                if let Some(diagonal) = diagonal.as_deref_mut() {
                    diagonal[index] += anchor + precision * (1.0 - 1.0 / teams as f64);
                }
            }
        }
    }
}

/// The values less their mean.
fn centred(mut values: Vec<f64>) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goals::laws::{
        BivariatePoisson, ByScore, ConwayMaxwellPoisson, DixonColes, Hurdle, NegativeBinomial,
        Poisson, WeibullCopula, ZeroInflated,
    };
    use crate::goals::{FitOptions, Played, TrainingSetBuilder};

    /// Five teams, home and away, some on neutral ground, some over extra time, with a covariate.
    fn league() -> TrainingSet {
        let names = ["Ash", "Birch", "Cedar", "Elm", "Fir"];
        let mut builder = TrainingSetBuilder::with_covariates(["rest"]);
        for (i, home) in names.iter().enumerate() {
            for (j, away) in names.iter().enumerate().filter(|(j, _)| *j != i) {
                let goals = (((3 * i + 2 * j) % 5) as u32, ((i + 4 * j) % 4) as u32);
                let rest = [[i as f64 * 0.3 - 0.5], [j as f64 * 0.2 - 0.4]];
                let played = Played::new((i * j) as f64, home, away, goals.0, goals.1)
                    .on_neutral_ground((i + j) % 4 == 0)
                    .lasting(if i == j + 1 { 4.0 / 3.0 } else { 1.0 })
                    .with_covariates(&rest[0], &rest[1]);
                builder.push(played).unwrap();
                builder.push(played.weighted(0.5)).unwrap();
            }
        }
        builder.build().unwrap()
    }

    fn penalty() -> Penalty {
        Penalty {
            precision: [9.0, 4.0],
            expected: [vec![0.1, 0.0, -0.2, 0.0, 0.0], vec![0.0, 0.3, 0.0, 0.0, -0.1]],
        }
    }

    /// Compares the derivatives with finite differences, and the sparse curvature with the dense.
    fn check<L: Law>(law: L, shapes: &[f64]) {
        let set = league();
        let tally = Tally::of(&set, &FitOptions { xi: 0.01, ..FitOptions::default() }, 16.0);
        let penalty = penalty();
        let layout = Layout { teams: 5, covariates: 1, shapes: shapes.len() };
        let size = layout.size();
        let held = vec![false; size];
        let penalty = Some(&penalty);
        let objective = Objective { set: &set, tally: &tally, law, penalty, held, layout };
        let mut at: Vec<f64> = (0..size).map(|i| 0.3 * ((i * 7 % 5) as f64 - 2.0) / 2.0).collect();
        at[layout.attack(0)..layout.defence(0)].iter_mut().for_each(|attack| *attack += 0.9);
        at[layout.defence(0)..layout.covariate(0)].iter_mut().for_each(|d| *d -= 0.8);
        at[layout.shape(0)..].copy_from_slice(shapes);

        let mut point = Point::new(size);
        assert!(objective.evaluate(&at, &mut point));
        let step = 1e-5;
        let nearby = |index: usize, distance: f64| {
            let mut at = at.clone();
            at[index] += distance;
            let mut point = Point::new(size);
            assert!(objective.evaluate(&at, &mut point));
            point
        };
        let Curvature::Dense(square) = &point.curvature else { panic!("few parameters") };
        for index in 0..size {
            let (above, below) = (nearby(index, step), nearby(index, -step));
            let slope = (above.value - below.value) / (2.0 * step);
            let got = point.gradient[index];
            assert!(
                (got - slope).abs() < 1e-5 * (1.0 + slope.abs()),
                "{index}: {got}, not {slope}"
            );
            for row in index..size {
                let bend = (below.gradient[row] - above.gradient[row]) / (2.0 * step);
                let got = square.cells[row * size + index];
                let close = (got - bend).abs() < 1e-4 * (1.0 + bend.abs());
                assert!(close, "{row}, {index}: {got}, not {bend}");
            }
        }

        let mut sparse = Point { curvature: Curvature::Sparse(Vec::new()), ..Point::new(size) };
        assert!(objective.evaluate(&at, &mut sparse));
        let Curvature::Sparse(locals) = &sparse.curvature else { panic!("asked for") };
        let vector: Vec<f64> = (0..size).map(|i| ((i * 5 % 7) as f64) - 3.0).collect();
        let mut diagonal = vec![0.0; size];
        let product = objective.multiply(locals, &vector, Some(&mut diagonal));
        for row in 0..size {
            let cell = |column: usize| square.cells[row.max(column) * size + row.min(column)];
            let wanted: f64 = (0..size).map(|column| cell(column) * vector[column]).sum();
            assert!((product[row] - wanted).abs() < 1e-9 * (1.0 + wanted.abs()), "row {row}");
            // A covariate of both sides has a mixed part that the diagonal, which only conditions
            // the system, leaves out.
            let exact = row != layout.covariate(0);
            assert!(!exact || (diagonal[row] - cell(row)).abs() < 1e-9 * (1.0 + cell(row).abs()));
        }
    }

    #[test]
    fn derivatives_of_every_law_agree_with_finite_differences() {
        check(Poisson, &[]);
        check(DixonColes, &[-0.08]);
        check(DixonColes, &[0.05]);
        check(ByScore::<_, 3>(BivariatePoisson), &[0.15]);
        check(ByScore::<_, 3>(NegativeBinomial), &[0.12]);
        check(ByScore::<_, 3>(NegativeBinomial), &[1e-4]);
        check(ByScore::<_, 3>(ZeroInflated), &[0.06]);
        check(ByScore::<_, 3>(Hurdle), &[1.2]);
        check(ByScore::<_, 3>(ConwayMaxwellPoisson), &[1.3]);
        check(ByScore::<_, 3>(ConwayMaxwellPoisson), &[0.8]);
        check(WeibullCopula, &[1.15, -0.8]);
        check(WeibullCopula, &[0.85, 0.6]);
    }
}
