namespace Formation.Inference.Node.Heads.Wire;

/// <summary>How tokens are drawn, and when to stop, as they cross a connection.</summary>
static class SamplingMessage
{
    public static void Write(MessageWriter writer, int field, SamplingParams sampling)
    {
        var start = writer.Begin(field);
        writer.Float(1, sampling.Temperature);
        writer.Number(2, sampling.TopK);
        writer.Float(3, sampling.TopP);
        writer.Float(4, sampling.MinP);
        writer.Float(5, sampling.TypicalP);
        writer.Float(6, sampling.RepetitionPenalty);
        writer.Float(7, sampling.FrequencyPenalty);
        writer.Float(8, sampling.PresencePenalty);
        writer.Optional(9, sampling.Seed);
        foreach (var (token, bias) in sampling.LogitBias ?? new Dictionary<int, float>())
        {
            var inner = writer.Begin(10);
            writer.Number(1, token);
            writer.Float(2, bias);
            writer.End(inner);
        }

        writer.End(start);
    }

    public static SamplingParams ReadSampling(MessageReader reader)
    {
        var sampling = SamplingParams.Default;
        Dictionary<int, float>? bias = null;
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: sampling = sampling with { Temperature = reader.Single("the temperature", 0, 100) }; break;
                case 2: sampling = sampling with { TopK = reader.Int32("top-k", 0, int.MaxValue) }; break;
                case 3: sampling = sampling with { TopP = reader.Single("top-p", float.Epsilon, 1) }; break;
                case 4: sampling = sampling with { MinP = reader.Single("min-p", 0, 1) }; break;
                case 5: sampling = sampling with { TypicalP = reader.Single("typical-p", float.Epsilon, 1) }; break;
                case 6: sampling = sampling with { RepetitionPenalty = reader.Single("the repetition penalty", float.Epsilon, float.MaxValue) }; break;
                case 7: sampling = sampling with { FrequencyPenalty = reader.Single("the frequency penalty", -2, 2) }; break;
                case 8: sampling = sampling with { PresencePenalty = reader.Single("the presence penalty", -2, 2) }; break;
                case 9: sampling = sampling with { Seed = reader.Int64() }; break;
                case 10: ReadBias(reader.Message(), bias ??= []); break;
            }

        return sampling with { LogitBias = bias };
    }

    public static void Write(MessageWriter writer, int field, StopConditions stop)
    {
        var start = writer.Begin(field);
        writer.Optional(1, stop.MaxTokens);
        writer.Number(2, stop.MinTokens);
        foreach (var text in stop.Strings)
            writer.Text(3, text);
        writer.Numbers(4, stop.TokenIds);
        writer.Flag(5, stop.IgnoreEndOfGeneration);
        writer.Flag(6, stop.EndsAtContext);
        writer.End(start);
    }

    public static StopConditions ReadStop(MessageReader reader)
    {
        var (stop, strings, tokens) = (StopConditions.Default, new List<string>(), new List<int>());
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: stop = stop with { MaxTokens = reader.Int32("the token limit", 0, int.MaxValue) }; break;
                case 2: stop = stop with { MinTokens = reader.Int32("the least number of tokens", 0, int.MaxValue) }; break;
                case 3:
                    if (strings.Count == GenerationProtocol.MaxStopStrings)
                        throw new GenerationProtocolException($"a request has more than {GenerationProtocol.MaxStopStrings} stop strings");
                    strings.Add(reader.Text("a stop string", GenerationProtocol.MaxStopStringBytes));
                    break;
                case 4: reader.Numbers("the stop tokens", 0, int.MaxValue, GenerationProtocol.MaxStopTokenIds, tokens); break;
                case 5: stop = stop with { IgnoreEndOfGeneration = reader.Flag() }; break;
                case 6: stop = stop with { EndsAtContext = reader.Flag() }; break;
            }

        return stop with { Strings = strings, TokenIds = tokens };
    }

    static void ReadBias(MessageReader reader, Dictionary<int, float> biases)
    {
        if (biases.Count == GenerationProtocol.MaxLogitBiases)
            throw new GenerationProtocolException($"a request has more than {GenerationProtocol.MaxLogitBiases} logit biases");
        var (token, bias) = (0, 0f);
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: token = reader.Int32("a token", 0, int.MaxValue); break;
                case 2: bias = reader.Single("a logit bias", -100, 100); break;
            }

        biases[token] = bias;
    }
}
