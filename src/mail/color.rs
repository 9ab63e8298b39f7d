//! A brand's colour made readable (WCAG 2.2, 1.4.3).

/// Smallest contrast between text and what it stands on.
const CONTRAST_MIN: f64 = 4.5;
/// Steps from a colour to black or white; the last one always has the contrast.
const STEPS: u16 = 20;
/// When a newsletter's colour cannot be read.
const DEFAULT: Color = Color { red: 0x2f, green: 0x5d, blue: 0x62 };

/// A colour of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    red: u8,
    green: u8,
    blue: u8,
}

impl Color {
    pub const WHITE: Self = Self { red: 255, green: 255, blue: 255 };
    pub const BLACK: Self = Self { red: 0, green: 0, blue: 0 };
    /// The darkest of the light grounds of mails, and the lightest of the dark ones: the least contrast that a link meets.
    pub const MAIL_LIGHT: Self = Self { red: 0xf3, green: 0xf1, blue: 0xec };
    pub const MAIL_DARK: Self = Self { red: 0x27, green: 0x2b, blue: 0x30 };

    /// `#rrggbb`; anything else is a calm green.
    pub fn brand(text: &str) -> Self {
        Self::parse(text).unwrap_or(DEFAULT)
    }

    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self { red: channel(0)?, green: channel(2)?, blue: channel(4)? })
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// WCAG 2.2, "contrast ratio": 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Black or white, whichever reads best on this colour.
    pub fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// This colour, moved away from the background until it can be read on it.
    pub fn readable_on(self, background: Self) -> Self {
        let target = background.text_on();
        (0..=STEPS)
            .map(|step| self.mixed(target, step))
            .find(|color| color.contrast(background) >= CONTRAST_MIN)
            .unwrap_or(target)
    }

    fn mixed(self, other: Self, step: u16) -> Self {
        let mix = |a: u8, b: u8| {
            let sum = u16::from(a) * (STEPS - step) + u16::from(b) * step;
            u8::try_from(sum / STEPS).unwrap_or(u8::MAX)
        };
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_brand_colour_becomes_readable_on_light_and_dark() {
        let backgrounds =
            ["#ffffff", "#f7f6f2", "#1d2024", "#272b30"].map(|text| Color::parse(text).unwrap());
        for brand in ["#ffff00", "#000000", "#ffffff", "#e4002b", "#777777", "#00a0e0", "no colour", "#é1234"]
        {
            let brand = Color::brand(brand);
            assert!(brand.text_on().contrast(brand) >= 4.5, "text on {brand}");
            for background in backgrounds {
                let link = brand.readable_on(background);
                assert!(link.contrast(background) >= 4.5, "{brand} as {link} on {background}");
            }
        }
        assert_eq!(Color::brand("#0a5fb4").readable_on(Color::WHITE).to_string(), "#0a5fb4");
    }
}
