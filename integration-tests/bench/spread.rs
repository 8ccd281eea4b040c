//! Spread: what several measurements of the same thing say together.

use std::fmt;

/// The one in the middle, and the ones at both ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

// === impl Spread ===

impl Spread {
    /// Of nothing it is not a number.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self {
            median: f64::midpoint(at(last / 2), at(values.len() / 2)),
            least: at(0),
            most: at(last),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = formatter.precision().unwrap_or(2);
        let Self {
            median,
            least,
            most,
        } = self;
        write!(
            formatter,
            "{median:.digits$} ({least:.digits$}..{most:.digits$})"
        )
    }
}
