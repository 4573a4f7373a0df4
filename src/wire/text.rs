//! Cutting text to a bound.
//!
//! Ring: core. Guarantees: never splits a character, and shows with `…` that something is missing.

/// Marks the place where text was cut.
const ELLIPSIS: char = '…';

/// The first characters of `text`, at most `max_chars` of them, the mark of the cut included.
pub(crate) fn first_chars(text: &str, max_chars: usize) -> String {
    if text.char_indices().nth(max_chars).is_none() {
        return text.to_owned();
    }
    text.chars().take(max_chars.saturating_sub(1)).chain([ELLIPSIS]).collect()
}

/// The first bytes of `text`, at most `max_bytes` of them, the mark of the cut included.
pub(crate) fn first_bytes(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let kept = max_bytes.saturating_sub(ELLIPSIS.len_utf8());
    let end = (0..=kept).rev().find(|index| text.is_char_boundary(*index)).unwrap_or(0);
    format!("{}{ELLIPSIS}", &text[..end])
}

/// The last bytes of `text`, at most `max_bytes` of them, the mark of the cut included.
pub(crate) fn last_bytes(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let kept = max_bytes.saturating_sub(ELLIPSIS.len_utf8());
    let start = (text.len() - kept..text.len()).find(|index| text.is_char_boundary(*index)).unwrap_or(text.len());
    format!("{ELLIPSIS}{}", &text[start..])
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: &u8| [byte >> 4, byte & 0xf].map(|half| char::from(DIGITS[usize::from(half)]));
    bytes.iter().flat_map(digits).collect()
}

/// The bytes that exactly `N` pairs of lower-case hexadecimal digits stand for.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

/// One lower-case digit: upper case is refused, so that a value has one spelling.
fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_is_left_alone() {
        assert_eq!(first_chars("häuser", 6), "häuser");
        assert_eq!(first_bytes("abc", 3), "abc");
        assert_eq!(last_bytes("abc", 3), "abc");
    }

    #[test]
    fn long_text_is_cut_between_characters_and_within_the_bound() {
        assert_eq!(first_chars("häuser", 3), "hä…");
        for max in 3..8 {
            for cut in [first_bytes("ääääää", max), last_bytes("ääääää", max)] {
                assert!(cut.len() <= max, "{cut} is longer than {max}");
                assert!(cut.contains(ELLIPSIS));
            }
        }
    }

    #[test]
    fn hexadecimal_has_one_spelling() {
        assert_eq!(to_hex(&[0, 10, 255]), "000aff");
        assert_eq!(from_hex::<3>("000aff"), Some([0, 10, 255]));
        assert_eq!(from_hex::<3>("000AFF"), None);
        assert_eq!(from_hex::<2>("000aff"), None);
        assert_eq!(from_hex::<3>("00 aff"), None);
    }
}
