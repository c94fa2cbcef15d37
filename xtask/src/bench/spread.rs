//! The middle and the ends of what was measured several times.

/// The values of one figure, in order.
pub(super) struct Spread(Vec<f64>);

impl Spread {
    /// Nothing, if there are no values.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then_some(Self(values))
    }

    pub(super) fn median(&self) -> f64 {
        let Self(values) = self;
        let middle = values.len() / 2;
        if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
    }

    pub(super) fn least(&self) -> f64 {
        self.0[0]
    }

    pub(super) fn most(&self) -> f64 {
        self.0[self.0.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_ordered_values() {
        for (values, median, least, most) in
            [(vec![3.0, 1.0, 2.0], "2.0", "1.0", "3.0"), (vec![4.0, 1.0], "2.5", "1.0", "4.0")]
        {
            let spread = Spread::of(values.into_iter()).unwrap();
            let shown = [spread.median(), spread.least(), spread.most()].map(|value| format!("{value:.1}"));
            assert_eq!(shown, [median, least, most]);
        }
        assert!(Spread::of(std::iter::empty()).is_none());
    }
}
