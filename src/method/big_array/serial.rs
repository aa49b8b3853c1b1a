//! Big arrays in checkpoints: their shape, and their elements in memory order.

use super::blocks::BLOCK;
use super::{BigArray, Storage};
use crate::method::Scalar;
use ndarray::Array3;
use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeSeq, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

/// Elements, as a sequence.
struct Elements<'a, T: Scalar>(&'a BigArray<T>);

impl<T: Scalar + Serialize> Serialize for Elements<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        self.0
            .visit_blocks(|block| block.iter().try_for_each(|a| sequence.serialize_element(a)))?;
        match self.0.storage() {
            Storage::Scratch(scratch) if scratch.trouble().is_some() => {
                Err(S::Error::custom("a scratch file cannot be read"))
            }
            _ => sequence.end(),
        }
    }
}

impl<T: Scalar + Serialize> Serialize for BigArray<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(2)?;
        tuple.serialize_element(&self.shape)?;
        tuple.serialize_element(&Elements(self))?;
        tuple.end()
    }
}

thread_local! {
    /// Where arrays are kept that are deserialized.
    static STORAGE: RefCell<Storage> = const { RefCell::new(Storage::Memory) };
}

/// Calls `f`, and keeps the arrays that it deserializes in the `storage`. Without it they are kept in memory.
pub fn deserialize_into<R>(storage: &Storage, f: impl FnOnce() -> R) -> R {
    let before = STORAGE.replace(storage.clone());
    let result = f();
    STORAGE.set(before);
    result
}

impl<'de, T: Scalar + Deserialize<'de>> Deserialize<'de> for BigArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(2, ShapeAndElements(PhantomData))
    }
}

struct ShapeAndElements<T>(PhantomData<T>);

impl<'de, T: Scalar + Deserialize<'de>> Visitor<'de> for ShapeAndElements<T> {
    type Value = BigArray<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a shape and elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<BigArray<T>, A::Error> {
        let missing = || A::Error::custom("an array is cut short");
        let shape = sequence.next_element()?.ok_or_else(missing)?;
        let elements = ElementsOf(shape, PhantomData);
        sequence.next_element_seed(elements)?.ok_or_else(missing)
    }
}

/// The elements of an array of this shape.
struct ElementsOf<T>((usize, usize, usize), PhantomData<T>);

impl<'de, T: Scalar + Deserialize<'de>> DeserializeSeed<'de> for ElementsOf<T> {
    type Value = BigArray<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<BigArray<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Scalar + Deserialize<'de>> Visitor<'de> for ElementsOf<T> {
    type Value = BigArray<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("as many elements as the shape says")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<BigArray<T>, A::Error> {
        let wrong = || A::Error::custom("an array has another shape than its elements");
        let (height, width, channels) = self.0;
        let length = height
            .checked_mul(width)
            .and_then(|n| n.checked_mul(channels));
        let length = length.ok_or_else(wrong)?;
        // The shape may be damaged: memory and disk are taken for elements that are there.
        if sequence.size_hint().is_some_and(|hint| hint != length) {
            return Err(wrong());
        }
        let storage = STORAGE.with_borrow(Storage::clone);
        if let Storage::Memory = storage {
            let mut elements = Vec::new();
            while let Some(element) = sequence.next_element()? {
                elements.push(element);
            }
            let array = Array3::from_shape_vec(self.0, elements).map_err(|_| wrong())?;
            return Ok(array.into());
        }
        let mut array = BigArray::zeros(self.0, &storage);
        for number in 0..length.div_ceil(BLOCK) {
            let count = BLOCK.min(length - number * BLOCK);
            let mut block = Vec::with_capacity(count);
            for _ in 0..count {
                block.push(sequence.next_element()?.ok_or_else(wrong)?);
            }
            array.set_block(number, &block);
        }
        Ok(array)
    }
}
