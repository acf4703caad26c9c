//! The one walk over a condition. Whatever a condition is turned into is an [`Engine`] of it.

use super::Condition;

/// A condition as it is, or its negation: what an engine meets at the ends of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal {
    /// A leaf; under [`Engine::WHOLE_NEGATIONS`] also whatever is negated.
    pub condition: &'static Condition,
    /// Whether it must not hold.
    pub negated: bool,
}

/// What conditions are turned into: a truth value, reasons, a sentence, a place in the index.
///
/// The fold moves negations down to the leaves, so `all` and `any` are all that joins literals, and both only grow with their parts. An
/// engine that cannot express a literal may thus weaken it to one that always holds, and its result still holds wherever the condition
/// does. It must not leave the literal out of an `any`, which would strengthen the whole.
pub trait Engine {
    /// What comes of a condition.
    type Out;

    /// Whether a negation is one literal, whatever it negates. Such an engine has to express all of them.
    const WHOLE_NEGATIONS: bool = false;

    /// What comes of a literal.
    fn literal(&self, literal: Literal) -> Self::Out;

    /// Every part holds. A part that is not asked for costs nothing.
    fn all(&self, parts: impl Iterator<Item = Self::Out>) -> Self::Out;

    /// At least one part holds. A part that is not asked for costs nothing.
    fn any(&self, parts: impl Iterator<Item = Self::Out>) -> Self::Out;
}

impl Condition {
    /// Turns the condition into what the engine makes of it.
    pub fn fold<E: Engine>(&'static self, engine: &E) -> E::Out {
        self.fold_as(false, engine)
    }

    fn fold_as<E: Engine>(&'static self, negated: bool, engine: &E) -> E::Out {
        match (self, negated) {
            (Self::Not(condition), false) if E::WHOLE_NEGATIONS => engine.literal(Literal { condition, negated: true }),
            (Self::Not(part), _) => part.fold_as(!negated, engine),
            (Self::All(parts), false) | (Self::Any(parts), true) => {
                engine.all(parts.iter().map(|part| part.fold_as(negated, engine)))
            }
            (Self::Any(parts), false) | (Self::All(parts), true) => {
                engine.any(parts.iter().map(|part| part.fold_as(negated, engine)))
            }
            (condition, _) => engine.literal(Literal { condition, negated }),
        }
    }
}
