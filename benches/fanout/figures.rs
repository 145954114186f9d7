//! Statistics: medians, percentiles, and their format.

use std::time::Duration;

/// The middle value; the upper of two for an even number of values.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The least of the sorted values that this percentage of them does not exceed (nearest
/// rank).
pub fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

/// A figure with three significant digits.
pub fn written(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// A number with commas, such as 10,000.
pub fn counted(count: usize) -> String {
    let digits = count.to_string();
    let mut words = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// A number as a figure; exact up to 2⁵³.
#[allow(clippy::cast_precision_loss)]
pub fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
#[allow(dead_code, unused_imports)] // see main.rs
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(3.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let at = |percent| percentile(&values, percent).map(|it| it.as_millis());
        assert_eq!(at(0), Some(1));
        assert_eq!(at(50), Some(100));
        assert_eq!(at(99), Some(198));
        assert_eq!(at(100), Some(200));
        assert_eq!(percentile(&values[..1], 99), Some(values[0]));
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn a_figure_has_the_digits_that_mean_something() {
        let all = [0.1284, 0.9996, 4.163, 9.996, 31.44, 99.96, 1234.5].map(written);
        assert_eq!(
            all,
            ["0.128", "1.00", "4.16", "10.0", "31.4", "100", "1234"]
        );
        assert_eq!(
            [7, 999, 10_000, 1_000_000].map(counted),
            ["7", "999", "10,000", "1,000,000"]
        );
    }
}
