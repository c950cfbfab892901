//! A brand's accent colour as a style sheet of its own, since nothing on a page may be styled inline.
//!
//! The brand gives one colour; its hue stays, and its lightness moves as far as text on it needs to be read in either
//! theme (WCAG 2.2, contrast of 4.5 to 1).

/// The address of the style sheet for an accent such as `#3b6ef5` or `#3bf`; none if it is not such a colour.
pub fn accent_url(colour: &str) -> Option<String> {
    let [red, green, blue] = parse(colour)?;
    Some(format!("/static/vestibule/accent/{red:02x}{green:02x}{blue:02x}.css"))
}

/// The style sheet at that address, looked up by its name below `/static/vestibule/` (`accent/3b6ef5.css`).
pub fn accent_css(path: &str) -> Option<String> {
    let colour = parse(path.strip_prefix("accent/")?.strip_suffix(".css")?)?;
    let hue = Oklch::from_srgb(colour);
    let light = hue.darkened_until(|luminance| 1.05 / (luminance + 0.05) >= 5.0);
    let dark = hue.lightened_until(|luminance| (luminance + 0.05) / 0.06 >= 8.0);
    Some(format!(
        ":root{{--accent-light:{};--accent-dark:{};--tint:{:.1}}}\n",
        light.css(),
        dark.css(),
        hue.hue.to_degrees().rem_euclid(360.0)
    ))
}

fn parse(colour: &str) -> Option<[u8; 3]> {
    let digits = colour.trim().trim_start_matches('#');
    let wide: String = match digits.len() {
        3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
        6 => digits.to_owned(),
        _ => return None,
    };
    let number = u32::from_str_radix(&wide, 16).ok().filter(|_| wide.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some([red, green, blue])
}

/// A colour in OKLCH (Björn Ottosson, 2020): lightness 0 to 1, chroma, hue in radians.
#[derive(Clone, Copy)]
struct Oklch {
    lightness: f64,
    chroma: f64,
    hue: f64,
}

impl Oklch {
    fn from_srgb(colour: [u8; 3]) -> Self {
        let linear = colour.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        let cones = [
            mix([0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9], linear).cbrt(),
            mix([0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6], linear).cbrt(),
            mix([0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5], linear).cbrt(),
        ];
        let lightness = mix([0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8], cones);
        let green_red = mix([1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9], cones);
        let blue_yellow = mix([0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0], cones);
        Self { lightness, chroma: green_red.hypot(blue_yellow).min(0.2), hue: blue_yellow.atan2(green_red) }
    }

    /// Relative luminance (WCAG 2.2); channels outside of sRGB are clamped, as a browser does.
    fn luminance(self) -> f64 {
        let lab = [self.lightness, self.chroma * self.hue.cos(), self.chroma * self.hue.sin()];
        let cones = [
            mix([1.0, 0.396_337_777_4, 0.215_803_757_3], lab).powi(3),
            mix([1.0, -0.105_561_345_8, -0.063_854_172_8], lab).powi(3),
            mix([1.0, -0.089_484_177_5, -1.291_485_548_0], lab).powi(3),
        ];
        let linear = [
            mix([4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2], cones),
            mix([-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5], cones),
            mix([-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701_0], cones),
        ];
        mix([0.2126, 0.7152, 0.0722], linear.map(|channel| channel.clamp(0.0, 1.0)))
    }

    fn darkened_until(self, readable: impl Fn(f64) -> bool) -> Self {
        self.moved(-0.01, readable)
    }

    fn lightened_until(self, readable: impl Fn(f64) -> bool) -> Self {
        self.moved(0.01, readable)
    }

    fn moved(mut self, step: f64, readable: impl Fn(f64) -> bool) -> Self {
        while !readable(self.luminance()) && (0.0..=1.0).contains(&(self.lightness + step)) {
            self.lightness += step;
        }
        self
    }

    fn css(self) -> String {
        format!("oklch({:.3} {:.3} {:.1})", self.lightness, self.chroma, self.hue.to_degrees().rem_euclid(360.0))
    }
}

/// A weighted sum.
fn mix(weights: [f64; 3], values: [f64; 3]) -> f64 {
    weights.iter().zip(values).map(|(weight, value)| weight * value).sum()
}

#[cfg(test)]
mod tests {
    use super::{Oklch, accent_css, accent_url, parse};

    #[test]
    fn only_colours_have_a_style_sheet() {
        assert_eq!(accent_url("#3B6EF5").as_deref(), Some("/static/vestibule/accent/3b6ef5.css"));
        assert_eq!(accent_url("#3bf").as_deref(), Some("/static/vestibule/accent/33bbff.css"));
        for wrong in ["", "#", "red", "#12345", "}body{", "+12345", "#1234567"] {
            assert_eq!(accent_url(wrong), None, "{wrong}");
        }
        assert!(accent_css("accent/3b6ef5.css").unwrap().starts_with(":root{--accent-light:oklch("));
        assert!(accent_css("page.css").is_none());
    }

    #[test]
    fn conversion_agrees_with_known_values() {
        let red = Oklch::from_srgb([255, 0, 0]);
        assert!((red.lightness - 0.628).abs() < 0.001 && (red.hue.to_degrees() - 29.23).abs() < 0.1);
        let white = Oklch::from_srgb([255, 255, 255]);
        assert!((white.luminance() - 1.0).abs() < 0.001);
    }

    #[test]
    fn every_accent_can_be_read_in_both_themes() {
        for colour in ["#ffee00", "#000000", "#ffffff", "#fd4b2d", "#00ff88", "#101080", "#888888"] {
            let given = Oklch::from_srgb(parse(colour).unwrap());
            let light = given.darkened_until(|y| 1.05 / (y + 0.05) >= 5.0);
            let dark = given.lightened_until(|y| (y + 0.05) / 0.06 >= 8.0);
            assert!(1.05 / (light.luminance() + 0.05) >= 4.5, "{colour} on white");
            assert!((dark.luminance() + 0.05) / 0.06 >= 4.5, "{colour} on the dark page");
        }
    }
}
