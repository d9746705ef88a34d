namespace Formation.Inference.Node.Heads.Wire;

/// <summary>A token with its log-probability as it crosses a connection.</summary>
static class TokenMessage
{
    public static void Write(MessageWriter writer, int field, TokenLogprob token)
    {
        var start = writer.Begin(field);
        writer.Number(1, token.TokenId);
        writer.Bytes(2, token.Bytes.Span);
        if (token.Logprob is { } logprob)
            writer.Float(3, logprob);
        foreach (var alternative in token.Top)
        {
            var inner = writer.Begin(4);
            writer.Number(1, alternative.TokenId);
            writer.Bytes(2, alternative.Bytes.Span);
            writer.Float(3, alternative.Logprob);
            writer.Flag(4, alternative.IsSpecial);
            writer.End(inner);
        }

        writer.Flag(5, token.IsSpecial);
        writer.End(start);
    }

    /// <exception cref="GenerationProtocolException">The message is damaged, or a value is beyond its limit.</exception>
    public static TokenLogprob Read(MessageReader reader)
    {
        var token = new TokenAlternative(0, default, 0);
        float? logprob = null;
        List<TokenAlternative>? top = null;
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: token = token with { TokenId = reader.Int32("a token", 0, int.MaxValue) }; break;
                case 2: token = token with { Bytes = reader.Bytes().ToArray() }; break;
                case 3: logprob = reader.Single(); break;
                case 4:
                    if ((top ??= []).Count == GenerationProtocol.MaxAlternatives)
                        throw new GenerationProtocolException($"a token has more than {GenerationProtocol.MaxAlternatives} alternatives");
                    top.Add(ReadAlternative(reader.Message()));
                    break;
                case 5: token = token with { IsSpecial = reader.Flag() }; break;
            }

        return new TokenLogprob(token.TokenId, token.Bytes, logprob, (IReadOnlyList<TokenAlternative>?)top ?? []) { IsSpecial = token.IsSpecial };
    }

    static TokenAlternative ReadAlternative(MessageReader reader)
    {
        var alternative = new TokenAlternative(0, default, 0);
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: alternative = alternative with { TokenId = reader.Int32("a token", 0, int.MaxValue) }; break;
                case 2: alternative = alternative with { Bytes = reader.Bytes().ToArray() }; break;
                case 3: alternative = alternative with { Logprob = reader.Single() }; break;
                case 4: alternative = alternative with { IsSpecial = reader.Flag() }; break;
            }

        return alternative;
    }
}
