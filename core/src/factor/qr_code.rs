//! QR codes (ISO/IEC 18004), by which an app is handed its secret.

use std::fmt::Write;

use base64ct::{Base64, Encoding};
use qrcodegen_no_heap::{DataTooLong, QrCode as Modules, QrCodeEcc, Version};
use zeroize::Zeroizing;

/// Modules of white around a code (ISO/IEC 18004, "Quiet zone").
const MARGIN: i32 = 4;

/// A picture that shows a text. Never printed: it may hold a secret.
pub struct QrCode(Zeroizing<String>);

impl QrCode {
    /// The picture of `text`; `None` beyond 2,953 bytes, for which there is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut buffers = [(); 2].map(|()| Zeroizing::new([0; Version::MAX.buffer_len()]));
        let [first, second] = &mut buffers;
        // Drawn on a screen, where nothing of it is smudged, and read from there.
        let ecc = QrCodeEcc::Low;
        let modules = Modules::encode_text(
            text,
            &mut first[..],
            &mut second[..],
            ecc,
            Version::MIN,
            Version::MAX,
            None,
            true,
        );
        match modules {
            Ok(modules) => Some(Self(svg(&modules))),
            Err(DataTooLong::SegmentTooLong | DataTooLong::DataOverCapacity(..)) => None,
        }
    }

    /// An SVG document. It has no text of anybody's in it.
    #[must_use]
    pub fn svg(&self) -> &str {
        &self.0
    }

    /// The same as a `data:` URL (RFC 2397), of letters, digits and `:;,/+=` alone, for the `src` of an image.
    #[must_use]
    pub fn data_url(&self) -> Zeroizing<String> {
        let base64 = Zeroizing::new(Base64::encode_string(self.0.as_bytes()));
        Zeroizing::new(format!("data:image/svg+xml;base64,{}", *base64))
    }
}

impl std::fmt::Debug for QrCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("QrCode(_)")
    }
}

/// Dark modules as one path, of a bar for each run of them in a row.
fn svg(modules: &Modules<'_>) -> Zeroizing<String> {
    let size = modules.size();
    let side = size + 2 * MARGIN;
    // More than it gets, so that it is not moved and leaves no copy behind.
    let capacity = 256 + usize::try_from(size * size).unwrap_or_default() * 8;
    let mut svg = Zeroizing::new(String::with_capacity(capacity));
    // Writing to a string does not fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\""
    );
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let run = (x..size).take_while(|x| modules.get_module(*x, y)).count();
            let run = i32::try_from(run).unwrap_or_default();
            if run > 0 {
                let _ = write!(svg, "M{} {}h{run}v1h-{run}z", x + MARGIN, y + MARGIN);
            }
            x += run + 1;
        }
    }
    svg.push_str("\"/></svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules that a picture draws, row by row.
    fn drawn(svg: &str) -> Vec<Vec<u8>> {
        let side = svg.split("viewBox=\"0 0 ").nth(1).unwrap();
        let side: usize = side.split(' ').next().unwrap().parse().unwrap();
        let mut rows = vec![vec![b'.'; side]; side];
        let path = svg.split("<path d=\"").nth(1).unwrap();
        let path = path.split('"').next().unwrap();
        for bar in path.split('M').skip(1) {
            let (x, rest) = bar.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (run, rest) = rest.split_once("v1h-").unwrap();
            assert_eq!(rest, format!("{run}z"));
            let (x, y, run): (usize, usize, usize) =
                (x.parse().unwrap(), y.parse().unwrap(), run.parse().unwrap());
            rows[y][x..x + run].fill(b'#');
        }
        rows
    }

    #[test]
    fn a_picture_has_the_modules_of_the_code() {
        let code = QrCode::new("https://example.com").unwrap();
        let rows = drawn(code.svg());
        // Version 2 with a margin.
        assert_eq!(rows.len(), 25 + 8);
        for (index, row) in rows.iter().enumerate() {
            assert_eq!((&row[..4], &row[29..]), (&b"...."[..], &b"...."[..]));
            if !(4..29).contains(&index) {
                assert!(row.iter().all(|module| *module == b'.'));
            }
        }
        // A finder pattern stands in three corners.
        let finder = [
            b"#######", b"#.....#", b"#.###.#", b"#.###.#", b"#.###.#", b"#.....#", b"#######",
        ];
        for (x, y) in [(4, 4), (22, 4), (4, 22)] {
            for (row, expected) in rows[y..].iter().zip(finder) {
                assert_eq!(&row[x..x + 7], expected);
            }
        }
        assert_ne!(
            code.svg(),
            QrCode::new("https://example.org").unwrap().svg()
        );
    }

    #[test]
    fn a_data_url_needs_no_escape_anywhere() {
        let code = QrCode::new("<>&\"' ü").unwrap();
        let url = code.data_url();
        let base64 = url.strip_prefix("data:image/svg+xml;base64,").unwrap();
        assert_eq!(Base64::decode_vec(base64).unwrap(), code.svg().as_bytes());
        assert!(!code.svg().contains(['&', '\'', 'ü']));
        assert_eq!(format!("{code:?}"), "QrCode(_)");
    }

    #[test]
    fn a_long_text_has_none() {
        assert!(QrCode::new(&"x".repeat(2900)).is_some());
        assert!(QrCode::new(&"x".repeat(3000)).is_none());
    }
}
