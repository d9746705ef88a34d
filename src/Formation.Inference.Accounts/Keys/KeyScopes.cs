namespace Formation.Inference.Accounts.Keys;

/// <summary>What a key may be used for. Stored by name, so that a value's number can change and its name can't.</summary>
[Flags]
public enum KeyScopes
{
    None = 0,

    /// <summary>Chat and text completions.</summary>
    Chat = 1 << 0,
    Embeddings = 1 << 1,
    Images = 1 << 2,

    /// <summary>The list of models.</summary>
    ModelsRead = 1 << 3,

    /// <summary>Making, listing and revoking keys.</summary>
    KeysAdmin = 1 << 4,

    /// <summary>Usage and bills of the key's own account.</summary>
    BillingRead = 1 << 5,

    /// <summary>Nodes and deployments.</summary>
    NodeOperate = 1 << 6,

    /// <summary>What an application needs that only asks models.</summary>
    Inference = Chat | Embeddings | Images | ModelsRead,

    /// <summary>Everything.</summary>
    Administrator = Inference | KeysAdmin | BillingRead | NodeOperate,
}
