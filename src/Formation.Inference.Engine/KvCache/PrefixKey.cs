namespace Formation.Inference.Engine.KvCache;

/// <summary>
/// Names the content of a full KV block: the tokens in it, all tokens before it, and the account. 256 bits of a keyed hash, so that equal
/// keys mean equal content.
/// </summary>
internal readonly record struct PrefixKey(ulong A, ulong B, ulong C, ulong D);
