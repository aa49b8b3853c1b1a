//! Big arrays in checkpoints: their shape, and their elements in memory order.

use super::BigArray;
use crate::method::Scalar;
use ndarray::Array3;
use serde::de::Error;
use serde::ser::{SerializeSeq, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Elements, as a sequence.
struct Elements<'a, T: Scalar>(&'a BigArray<T>);

impl<T: Scalar + Serialize> Serialize for Elements<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        self.0
            .visit_blocks(|block| block.iter().try_for_each(|a| sequence.serialize_element(a)))?;
        sequence.end()
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

/// In memory.
impl<'de, T: Scalar + Deserialize<'de>> Deserialize<'de> for BigArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (shape, elements) = <((usize, usize, usize), Vec<T>)>::deserialize(deserializer)?;
        let array = Array3::from_shape_vec(shape, elements).map_err(D::Error::custom)?;
        Ok(array.into())
    }
}
