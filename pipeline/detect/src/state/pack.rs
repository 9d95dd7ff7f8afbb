//! The byte form of rows that are written at every quote: numbers of variable length.
//!
//! A market's prices of thirty books take some 450 bytes so, a third of what named fields take.

use marabet_schemas::Instant;

/// A row with a byte form of its own.
pub(crate) trait Packed: Sized {
    /// Appends the row.
    fn pack(&self, out: &mut Vec<u8>);
    /// Reads what [`Packed::pack`] wrote; none where the bytes are no such row.
    fn unpack(bytes: &mut Unpack<'_>) -> Option<Self>;
}

/// Appends a number: seven bits a byte, the lowest first, the high bit set on all but the last.
pub(crate) fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // The mask leaves seven bits.
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends an instant as its distance from `base` in microseconds, either way.
pub(crate) fn instant(out: &mut Vec<u8>, value: Instant, base: Instant) {
    let distance = value.micros().wrapping_sub(base.micros());
    unsigned(out, ((distance << 1) ^ (distance >> 63)) as u64);
}

/// Appends odds: in thousandths where these say them exactly, else all eight bytes behind a zero.
pub(crate) fn odds(out: &mut Vec<u8>, value: f64) {
    let thousandths = libm::round(value * 1000.0);
    if (1.0..1e9).contains(&thousandths) && thousandths / 1000.0 == value {
        unsigned(out, thousandths as u64);
    } else {
        out.push(0);
        out.extend(value.to_le_bytes());
    }
}

/// Reads packed bytes from front to back.
pub(crate) struct Unpack<'a>(pub(crate) &'a [u8]);

impl Unpack<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn eight(&mut self) -> Option<[u8; 8]> {
        let (eight, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*eight)
    }

    /// What [`unsigned`] wrote.
    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A number that fits a smaller type.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.unsigned()?).ok()
    }

    /// What [`instant`] wrote.
    pub(crate) fn instant(&mut self, base: Instant) -> Option<Instant> {
        let zigzag = self.unsigned()?;
        let distance = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
        Some(Instant::from_micros(base.micros().wrapping_add(distance)))
    }

    /// What [`odds`] wrote.
    pub(crate) fn odds(&mut self) -> Option<f64> {
        match self.unsigned()? {
            0 => Some(f64::from_le_bytes(self.eight()?)),
            thousandths => Some(thousandths as f64 / 1000.0),
        }
    }

    /// As many items as a count in front of them says, each at least a byte long.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count: usize = self.small()?;
        if count > self.0.len() {
            return None;
        }
        (0..count).map(|_| item(self)).collect()
    }
}

/// Gives a [`Packed`] row to serde as bytes.
macro_rules! packed_serde {
    ($row:ty) => {
        impl serde::Serialize for $row {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let mut bytes = Vec::with_capacity(512);
                $crate::state::pack::Packed::pack(self, &mut bytes);
                to.serialize_bytes(&bytes)
            }
        }

        impl<'de> serde::Deserialize<'de> for $row {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Bytes;
                impl serde::de::Visitor<'_> for Bytes {
                    type Value = $row;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("the bytes of a ", stringify!($row)))
                    }
                    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<$row, E> {
                        let mut unpack = $crate::state::pack::Unpack(bytes);
                        <$row as $crate::state::pack::Packed>::unpack(&mut unpack)
                            .filter(|_| unpack.0.is_empty())
                            .ok_or_else(|| E::custom(concat!("no ", stringify!($row))))
                    }
                }
                from.deserialize_bytes(Bytes)
            }
        }
    };
}
pub(crate) use packed_serde;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_instants_and_odds_read_back_as_they_are_written(
            number: u64, at: i64, base: i64, decimal in 1.000_001..1e6_f64, cents in 101..100_000_u32,
        ) {
            let base = Instant::from_micros(base);
            let price = f64::from(cents) / 100.0;
            let mut bytes = Vec::new();
            unsigned(&mut bytes, number);
            instant(&mut bytes, Instant::from_micros(at), base);
            odds(&mut bytes, decimal);
            odds(&mut bytes, price);
            let mut read = Unpack(&bytes);
            prop_assert_eq!(read.unsigned(), Some(number));
            prop_assert_eq!(read.instant(base), Some(Instant::from_micros(at)));
            prop_assert_eq!(read.odds(), Some(decimal));
            prop_assert_eq!(read.odds(), Some(price));
            prop_assert!(read.0.is_empty());
        }
    }

    #[test]
    fn a_price_in_thousandths_takes_two_bytes_and_cut_bytes_are_refused() {
        let mut bytes = Vec::new();
        odds(&mut bytes, 1.925);
        assert_eq!(bytes.len(), 2);
        assert_eq!(Unpack(&bytes[..1]).odds(), None);
        assert_eq!(Unpack(&[0xff; 10]).unsigned(), None);
        assert_eq!(Unpack(&[9, 1]).list(Unpack::unsigned), None);
    }
}
