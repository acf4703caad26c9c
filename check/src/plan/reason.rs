//! Why a step stands where it stands.

use meshwhy_core::catalogue::texts::Lang;

use super::dependency::Dependency;
use super::object::ObjectName;

/// Why a step was not possible before, or why it is here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It needs nothing that is not there.
    NeedsNothing,
    /// It names something that the steps before it made.
    Needs {
        /// Which step.
        step: ObjectName,
        /// What it names.
        thing: Dependency,
    },
    /// It takes away something that was still in use.
    StillNeeded {
        /// Which step.
        step: ObjectName,
        /// What it takes away.
        thing: Dependency,
        /// Who used it; `None` for clients.
        by: Option<ObjectName>,
    },
    /// Clients and servers would not have agreed on mTLS.
    Mtls {
        /// Which step.
        step: ObjectName,
        /// The host on which they would not.
        host: String,
    },
    /// What becomes stricter comes when everything else is there.
    StricterLast,
    /// Deletions come last.
    DeletionsLast,
    /// An intermediate version: one apply cannot both give what is new and keep what is in use.
    Between(ObjectName),
    /// A cycle: something dangles until the next steps are done.
    Cycle {
        /// Which step.
        step: ObjectName,
        /// What could not be kept.
        because: Box<Reason>,
    },
}

impl Reason {
    /// One sentence.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.en(),
            Lang::Zh => self.zh(),
        }
    }

    fn en(&self) -> String {
        let describe = |thing: &Dependency| thing.describe(Lang::En);
        match self {
            Self::NeedsNothing => "These name only what is there already.".to_owned(),
            Self::Needs { step, thing } => format!("{step} needs {}, which had to be there first.", describe(thing)),
            Self::StillNeeded { step, thing, by: Some(by) } => {
                format!("{step} takes away {}, which {by} used until the steps before.", describe(thing))
            }
            Self::StillNeeded { step, thing, by: None } => {
                format!("{step} takes away {}, which others had to provide first: clients use it.", describe(thing))
            }
            Self::Mtls { step, host } => format!("{step}: before, clients and servers of {host} would not have agreed on mTLS."),
            Self::StricterLast => "What becomes STRICT comes when everything else is in place.".to_owned(),
            Self::DeletionsLast => "Deletions come last: nothing that remains names these.".to_owned(),
            Self::Between(name) => {
                format!("{name} is applied twice: this version has what is new and keeps what is still in use.")
            }
            Self::Cycle { step, because } => format!(
                "Cycle: {step} cannot be changed in one step without a gap, and no intermediate version can be written \
                 mechanically. Prepare one by hand, such as a second resource under another name. ({})",
                because.en()
            ),
        }
    }

    fn zh(&self) -> String {
        let describe = |thing: &Dependency| thing.describe(Lang::Zh);
        match self {
            Self::NeedsNothing => "这些资源只引用已经存在的东西。".to_owned(),
            Self::Needs { step, thing } => format!("{step} 需要先有 {}。", describe(thing)),
            Self::StillNeeded { step, thing, by: Some(by) } => {
                format!("{step} 会去掉 {}，而 {by} 在前面的步骤之前还在用它。", describe(thing))
            }
            Self::StillNeeded { step, thing, by: None } => {
                format!("{step} 会去掉 {}，客户端还在用它，必须先由别的资源提供。", describe(thing))
            }
            Self::Mtls { step, host } => format!("{step}：在此之前变更会让 {host} 的客户端和服务端对 mTLS 的设置不一致。"),
            Self::StricterLast => "收紧为 STRICT 的放在其他变更全部就绪之后。".to_owned(),
            Self::DeletionsLast => "删除放在最后：留下的资源都不再引用它们。".to_owned(),
            Self::Between(name) => format!("{name} 分两次 apply：这个中间版本既有新的内容，也保留仍在使用的内容。"),
            Self::Cycle { step, because } => format!(
                "循环依赖：{step} 无法一步无中断地变更，也无法自动写出中间版本。请手工准备一个中间步骤，例如另起名字的第二个资源。（{}）",
                because.zh()
            ),
        }
    }
}
