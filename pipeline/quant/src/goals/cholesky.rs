//! Dense symmetric positive definite systems, as Newton's method needs them.

/// A square matrix, row by row. Of a symmetric one only the lower triangle is read.
#[derive(Debug, Clone)]
pub(crate) struct Square {
    pub(crate) size: usize,
    pub(crate) cells: Vec<f64>,
}

impl Square {
    pub(crate) fn zero(size: usize) -> Self {
        Self { size, cells: vec![0.0; size * size] }
    }

    pub(crate) fn clear(&mut self) {
        self.cells.fill(0.0);
    }

    /// Adds to the cell of the lower triangle that stands for (`row`, `column`).
    #[inline]
    pub(crate) fn add(&mut self, row: usize, column: usize, value: f64) {
        let (row, column) = if row >= column { (row, column) } else { (column, row) };
        self.cells[row * self.size + column] += value;
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.size..(row + 1) * self.size]
    }
}

/// The lower factor `L` of `A = L Lᵀ`, with the reciprocals of its diagonal.
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    lower: Square,
    reciprocals: Vec<f64>,
}

/// A pivot below this part of its diagonal entry is taken for zero: the matrix is singular up to
/// rounding.
const PIVOT_MIN: f64 = 1e-11;

impl Factor {
    /// Factors `matrix` with `damping` times its largest diagonal entry added to the diagonal;
    /// `None` when that is not positive definite.
    pub(crate) fn of(matrix: &Square, damping: f64) -> Option<Self> {
        let size = matrix.size;
        let mut lower = Square::zero(size);
        let mut reciprocals = vec![0.0; size];
        let largest = (0..size).map(|i| matrix.cells[i * size + i].abs()).fold(0.0, f64::max);
        let added = damping * largest;
        for i in 0..size {
            let (done, rest) = lower.cells.split_at_mut(i * size);
            let row = &mut rest[..size];
            for j in 0..i {
                let above = &done[j * size..j * size + j];
                row[j] = (matrix.cells[i * size + j] - dot(above, &row[..j])) * reciprocals[j];
            }
            let diagonal = matrix.cells[i * size + i] + added;
            let pivot = diagonal - dot(&row[..i], &row[..i]);
            if !(pivot > PIVOT_MIN * diagonal && pivot.is_finite()) {
                return None;
            }
            row[i] = pivot.sqrt();
            reciprocals[i] = 1.0 / row[i];
        }
        Some(Self { lower, reciprocals })
    }

    /// Solves `A x = b` in place.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        let size = self.lower.size;
        for i in 0..size {
            b[i] = (b[i] - dot(&self.lower.row(i)[..i], &b[..i])) * self.reciprocals[i];
        }
        for i in (0..size).rev() {
            b[i] *= self.reciprocals[i];
            let solved = b[i];
            for (entry, coefficient) in b[..i].iter_mut().zip(&self.lower.row(i)[..i]) {
                *entry -= coefficient * solved;
            }
        }
    }

    /// The diagonal of `A⁻¹`: the squared lengths of the columns of `L⁻¹`.
    pub(crate) fn inverse_diagonal(&self) -> Vec<f64> {
        let size = self.lower.size;
        let mut diagonal = vec![0.0; size];
        let mut column = vec![0.0; size];
        for j in 0..size {
            column[j] = self.reciprocals[j];
            let mut squares = column[j] * column[j];
            for i in j + 1..size {
                let entry = -dot(&self.lower.row(i)[j..i], &column[j..i]) * self.reciprocals[i];
                column[i] = entry;
                squares += entry * entry;
            }
            diagonal[j] = squares;
        }
        diagonal
    }
}

/// The inner product, in four interleaved sums: a stated order that still fills the pipeline.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a_chunks, b_chunks) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Square {
        // M Mᵀ + I with M[i][j] = (i + 2 j) mod 5 − 2: positive definite, with full rows.
        let size = 9;
        let entry = |i: usize, j: usize| ((i + 2 * j) % 5) as f64 - 2.0;
        let mut matrix = Square::zero(size);
        for i in 0..size {
            for j in 0..=i {
                let inner: f64 = (0..size).map(|k| entry(i, k) * entry(j, k)).sum();
                matrix.add(i, j, inner + if i == j { 1.0 } else { 0.0 });
            }
        }
        matrix
    }

    fn times(matrix: &Square, x: &[f64]) -> Vec<f64> {
        let at = |i: usize, j: usize| matrix.cells[i.max(j) * matrix.size + i.min(j)];
        (0..matrix.size).map(|i| (0..matrix.size).map(|j| at(i, j) * x[j]).sum()).collect()
    }

    #[test]
    fn a_solution_put_back_gives_the_right_hand_side() {
        let matrix = example();
        let factor = Factor::of(&matrix, 0.0).unwrap();
        let wanted: Vec<f64> = (0..9).map(|i| f64::from(i) - 3.5).collect();
        let mut solution = wanted.clone();
        factor.solve(&mut solution);
        for (got, wanted) in times(&matrix, &solution).iter().zip(&wanted) {
            assert!((got - wanted).abs() < 1e-10, "{got} is not {wanted}");
        }
    }

    #[test]
    fn the_diagonal_of_the_inverse_is_that_of_the_unit_solutions() {
        let factor = Factor::of(&example(), 0.0).unwrap();
        let diagonal = factor.inverse_diagonal();
        for (i, entry) in diagonal.iter().enumerate() {
            let mut unit = vec![0.0; 9];
            unit[i] = 1.0;
            factor.solve(&mut unit);
            assert!((unit[i] - entry).abs() < 1e-12, "{entry} is not {}", unit[i]);
        }
    }

    #[test]
    fn a_singular_or_indefinite_matrix_is_refused() {
        let mut singular = Square::zero(2);
        for (i, j) in [(0, 0), (1, 0), (1, 1)] {
            singular.add(i, j, 1.0);
        }
        assert!(Factor::of(&singular, 0.0).is_none());
        assert!(Factor::of(&singular, 0.1).is_some(), "damping makes it positive definite");
        singular.add(1, 1, -2.0);
        assert!(Factor::of(&singular, 0.0).is_none());
        singular.cells[0] = f64::NAN;
        assert!(Factor::of(&singular, 0.0).is_none());
    }
}
