//! Medians, and whether two series of times could be one: the tests of Mann and Whitney, and of Kolmogorov and Smirnov.

use crate::process::number;

/// The value below which this share of the values lies; zero of nothing.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wanted = share * number(sorted.len());
    let at = (0..sorted.len()).find(|at| number(at + 1) >= wanted);
    at.and_then(|at| sorted.get(at)).copied().unwrap_or_default()
}

/// The middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// Values of both series in order, grouped where they are equal: how many of each series.
fn merge(a: &[f64], b: &[f64]) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, bool)> = a.iter().map(|x| (*x, true)).chain(b.iter().map(|x| (*x, false))).collect();
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let grouped = all.chunk_by(|x, y| x.0.total_cmp(&y.0).is_eq());
    grouped
        .map(|group| {
            let of_a = group.iter().filter(|(_, is_a)| *is_a).count();
            (number(of_a), number(group.len() - of_a))
        })
        .collect()
}

/// How likely a difference in rank as large as this one is between series of one origin: the two-sided p-value of the
/// Mann–Whitney U test, by the normal approximation with corrections for ties and continuity.
pub(crate) fn mann_whitney(a: &[f64], b: &[f64]) -> f64 {
    let (of_all_a, of_all_b) = (number(a.len()), number(b.len()));
    let total = of_all_a + of_all_b;
    let (mut ranks, mut ties, mut before) = (0.0, 0.0, 0.0);
    for (of_a, of_b) in merge(a, b) {
        let size = of_a + of_b;
        ranks += of_a * (before + f64::midpoint(size, 1.0));
        ties += size.powi(3) - size;
        before += size;
    }
    let (pairs, rank_sum) = (of_all_a * of_all_b, of_all_a * (of_all_a + 1.0) / 2.0);
    let variance = pairs / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let deviation = ((ranks - rank_sum - pairs / 2.0).abs() - 0.5).max(0.0) / variance.sqrt();
    erfc(deviation / std::f64::consts::SQRT_2).min(1.0)
}

/// How likely distributions as far apart as these are for series of one origin: the p-value of the two-sample
/// Kolmogorov–Smirnov test, by its limit with the correction of Stephens (1970).
pub(crate) fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (number(a.len()), number(b.len()));
    let (mut below_a, mut below_b, mut distance) = (0.0, 0.0, 0.0_f64);
    for (of_a, of_b) in merge(a, b) {
        below_a += of_a;
        below_b += of_b;
        distance = distance.max((below_a / n - below_b / m).abs());
    }
    let root = (n * m / (n + m)).sqrt();
    kolmogorov((root + 0.12 + 0.11 / root) * distance)
}

/// The chance that the Kolmogorov distribution exceeds `x`.
fn kolmogorov(x: f64) -> f64 {
    // The series converges slowly near zero, where the chance is 1 to many digits.
    if x < 0.2 {
        return 1.0;
    }
    let terms = (1..=100_u32).map(|k| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        sign * (-2.0 * f64::from(k).powi(2) * x * x).exp()
    });
    (2.0 * terms.sum::<f64>()).clamp(0.0, 1.0)
}

/// The complementary error function for `x >= 0`, to seven digits: Abramowitz and Stegun, as fitted in Numerical
/// Recipes.
fn erfc(x: f64) -> f64 {
    const FIT: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x);
    let fitted = FIT.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
    t * (-x * x + fitted).exp()
}

/// The smallest p-value of several, corrected for being the smallest of that many (Bonferroni).
pub(crate) fn smallest(p_values: &[f64]) -> f64 {
    let smallest = p_values.iter().copied().fold(1.0, f64::min);
    (smallest * number(p_values.len())).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, known: f64) {
        assert!((found - known).abs() < 1e-4 * known.max(0.01), "{found} instead of {known}");
    }

    #[test]
    fn percentiles() {
        close(percentile(&[], 0.5), 0.0);
        close(median(&[3.0, 1.0, 2.0]), 2.0);
        close(percentile(&[4.0, 1.0, 2.0, 3.0], 0.99), 4.0);
    }

    #[test]
    fn functions_have_their_tabulated_values() {
        close(erfc(0.0), 1.0);
        close(erfc(1.0), 0.157_299);
        close(erfc(1.96 / std::f64::consts::SQRT_2), 0.049_996);
        // The limits that tables give for 10 %, 5 % and 1 %.
        close(kolmogorov(1.223_848), 0.1);
        close(kolmogorov(1.358_099), 0.05);
        close(kolmogorov(1.627_624), 0.01);
    }

    #[test]
    fn mann_whitney_has_its_known_values() {
        // U = 0 of two times five: z = (12.5 - 0.5) / sqrt(275 / 12).
        close(mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]), 0.012_186);
        // SciPy's own example (ages at which women and men were diagnosed): U = 17, p = 0.1113 with the corrections.
        close(mann_whitney(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]), 0.111_347);
        close(mann_whitney(&[1.0; 9], &[1.0; 9]), 1.0);
    }

    #[test]
    fn kolmogorov_smirnov_sees_what_ranks_do_not() {
        let even: Vec<f64> = (0..400).map(number).collect();
        // The same middle, another spread.
        let wide: Vec<f64> = even.iter().map(|x| 3.0 * x - 399.0).collect();
        assert!(mann_whitney(&even, &wide) > 0.9 && kolmogorov_smirnov(&even, &wide) < 1e-9);
        close(kolmogorov_smirnov(&even, &even), 1.0);
        // D = 0.1 of two times 400: the argument is 1.4270.
        let shifted: Vec<f64> = even.iter().map(|x| x + 40.0).collect();
        close(kolmogorov_smirnov(&even, &shifted), 2.0 * (-2.0 * 1.426_991_f64.powi(2)).exp());
    }

    #[test]
    fn the_smallest_of_many_counts_for_less() {
        close(smallest(&[0.5, 0.01, 0.2]), 0.03);
        close(smallest(&[0.5, 0.9]), 1.0);
    }
}
