//! Lists in pages.

use schemars::JsonSchema;
use serde::Serialize;

use crate::problem::Problem;

/// Rows of a page where nothing else is asked for.
pub(crate) const LIMIT: u16 = 50;
/// Most rows of a page.
pub(crate) const LIMIT_MAX: u16 = 500;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// How many rows the whole list has.
    pub(crate) total: u64,
    /// What to give as `cursor` for the next page; null at the end.
    pub(crate) next: Option<String>,
}

/// How many rows are asked for.
pub(crate) fn limit(asked: Option<u16>) -> Result<usize, Problem> {
    match asked {
        None => Ok(usize::from(LIMIT)),
        Some(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(usize::from(limit)),
        Some(limit) => {
            Err(Problem::malformed(format!("limit must lie in 1..={LIMIT_MAX}, got {limit}")))
        }
    }
}

/// Cuts a page from a list in its order: what comes after the row whose name is the cursor.
///
/// # Errors
/// A problem where the cursor names no row (any more).
pub(crate) fn cut<'a, T: 'a, R>(
    rows: impl Iterator<Item = &'a T>,
    cursor: Option<&str>,
    limit: usize,
    name: impl Fn(&T) -> String,
    show: impl Fn(&T) -> R,
) -> Result<Page<R>, Problem> {
    let rows: Vec<&T> = rows.collect();
    let from = match cursor {
        None => 0,
        Some(cursor) => {
            let found = rows.iter().position(|row| name(row) == cursor).ok_or_else(|| {
                let detail = format!("cursor `{cursor}` is not in the list (any more); begin anew");
                Problem::not_found(detail)
            })?;
            found + 1
        }
    };
    let shown = rows.iter().skip(from).take(limit);
    let items: Vec<R> = shown.map(|row| show(row)).collect();
    let more = from + items.len() < rows.len();
    let last = rows.get((from + items.len()).wrapping_sub(1));
    let next = last.filter(|_| more && !items.is_empty()).map(|row| name(row));
    Ok(Page { items, total: rows.len() as u64, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_end() {
        let rows = [1, 2, 3, 4, 5];
        let page = |cursor: Option<&str>| {
            cut(rows.iter(), cursor, 2, ToString::to_string, |row| *row).unwrap()
        };
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = page(cursor.as_deref());
            assert_eq!(page.total, 5);
            seen.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, rows);
        assert!(cut(rows.iter(), Some("9"), 2, ToString::to_string, |row| *row).is_err());
    }
}
