namespace Formation.Inference.Node.Heads.Wire;

/// <summary>
/// Cuts a delta that has become long because its reader was slow into parts that fit a frame: its text first, then its tokens, so that
/// nobody is told of a token whose text is still to come.
/// </summary>
static class DeltaParts
{
    /// <summary>Whether a delta is sent as it is.</summary>
    public static bool IsSmall(GenerationDelta delta) =>
        delta.IsEcho
        || (delta.Text.Length <= GenerationProtocol.TextOfPart
            && delta.Tokens.Count <= GenerationProtocol.TokensOfPart
            && delta.TokenIds.Count <= GenerationProtocol.TokenIdsOfPart);

    public static IEnumerable<GenerationDelta> Of(GenerationDelta delta)
    {
        if (IsSmall(delta))
        {
            yield return delta;
            yield break;
        }

        var text = delta.Text.Value;
        for (var start = 0; start < text.Length;)
        {
            var end = Math.Min(start + GenerationProtocol.TextOfPart, text.Length);
            if (end < text.Length && char.IsHighSurrogate(text[end - 1]))
                end--;
            yield return new GenerationDelta(delta.Choice, text[start..end], []);
            start = end;
        }

        var step = delta.Tokens.Count > 0 ? GenerationProtocol.TokensOfPart : GenerationProtocol.TokenIdsOfPart;
        for (var start = 0; start < Math.Max(delta.Tokens.Count, delta.TokenIds.Count); start += step)
            yield return new GenerationDelta(delta.Choice, "", [.. delta.Tokens.Skip(start).Take(step)])
            {
                TokenIds = [.. delta.TokenIds.Skip(start).Take(step)],
            };
    }
}
