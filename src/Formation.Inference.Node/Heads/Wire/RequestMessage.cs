namespace Formation.Inference.Node.Heads.Wire;

/// <summary>A request as it crosses a connection. What a dialect's mapping guarantees of one is checked again: a head trusts no gateway's program.</summary>
static class RequestMessage
{
    public static void Write(MessageWriter writer, GenerationRequest request)
    {
        writer.Text(1, request.RequestId);
        writer.Text(2, request.ModelId);
        writer.Text(3, request.AccountId);
        PromptMessage.Write(writer, 4, request.Prompt);
        SamplingMessage.Write(writer, 5, request.Sampling);
        SamplingMessage.Write(writer, 6, request.Stop);
        writer.Number(7, request.Choices);
        writer.Optional(8, request.Logprobs?.Top);
        writer.Flag(9, request.EchoPrompt);
        if (request.Continuation is not null)
            Write(writer, 10, request.Continuation);
        if (request.TemplateTime is { } time)
        {
            writer.Optional(11, time.UtcTicks);
            writer.Number(12, time.TotalOffsetMinutes);
        }

        if (request.Format is not null)
            Write(writer, 15, request.Format);
        if (request.ToolUse is not null)
            Write(writer, 16, request.ToolUse);
        if (request.Reasoning is not null)
            Write(writer, 18, request.Reasoning);
    }

    public static void Write(MessageWriter writer, EmbeddingRequest request)
    {
        writer.Text(1, request.RequestId);
        writer.Text(2, request.ModelId);
        writer.Text(3, request.AccountId);
        EmbeddingMessage.Write(writer, 17, request);
    }

    static void Write(MessageWriter writer, int field, OutputFormat format)
    {
        var start = writer.Begin(field);
        writer.Number(1, (int)format.Kind);
        writer.Text(2, format.Source.Value);
        writer.End(start);
    }

    static void Write(MessageWriter writer, int field, ToolUse use)
    {
        var start = writer.Begin(field);
        writer.Number(1, (int)use.Choice);
        writer.Text(2, use.Name);
        writer.Flag(3, use.IsParallel);
        writer.End(start);
    }

    static void Write(MessageWriter writer, int field, ReasoningOptions options)
    {
        var start = writer.Begin(field);
        writer.Optional(1, options.IsWanted is { } isWanted ? isWanted ? 1 : 0 : null);
        writer.Optional(2, options.MaxTokens);
        writer.End(start);
    }

    /// <summary>Writes the caller's trace (W3C) behind a request.</summary>
    public static void WriteTrace(MessageWriter writer, string? parent, string? state)
    {
        writer.Text(13, parent);
        writer.Text(14, state);
    }

    /// <exception cref="GenerationProtocolException">The message is damaged, or a value is beyond its limit.</exception>
    public static ReceivedRequest Read(ReadOnlySpan<byte> payload)
    {
        string requestId = "", modelId = "", accountId = "";
        Prompt? prompt = null;
        var (sampling, stop) = (SamplingParams.Default, StopConditions.Default);
        var choices = 0;
        LogprobOptions? logprobs = null;
        var echo = false;
        OutputFormat? format = null;
        ToolUse? toolUse = null;
        ReasoningOptions? reasoning = null;
        Continuation? continuation = null;
        (long? ticks, var offset) = (null, 0);
        string? traceParent = null, traceState = null;
        EmbeddingRequest? embedding = null;
        var reader = new MessageReader(payload);
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: requestId = reader.Text("the request's id", GenerationProtocol.MaxNameBytes); break;
                case 2: modelId = reader.Text("the model's id", GenerationProtocol.MaxNameBytes); break;
                case 3: accountId = reader.Text("the account's id", GenerationProtocol.MaxNameBytes); break;
                case 4: prompt = PromptMessage.Read(reader.Message()); break;
                case 5: sampling = SamplingMessage.ReadSampling(reader.Message()); break;
                case 6: stop = SamplingMessage.ReadStop(reader.Message()); break;
                case 7: choices = reader.Int32("the number of choices", 0, GenerationRequest.MaxChoices); break;
                case 8: logprobs = new LogprobOptions(reader.Int32("the number of alternatives", 0, GenerationProtocol.MaxAlternatives)); break;
                case 9: echo = reader.Flag(); break;
                case 10: continuation = ReadContinuation(reader.Message()); break;
                case 11: ticks = reader.Int64(); break;
                case 12: offset = reader.Int32("the time's offset", -14 * 60, 14 * 60); break;
                case 13: traceParent = reader.Text("the trace's parent", GenerationProtocol.MaxNameBytes); break;
                case 14: traceState = reader.Text("the trace's state", GenerationProtocol.MaxNameBytes); break;
                case 15: format = ReadFormat(reader.Message()); break;
                case 16: toolUse = ReadToolUse(reader.Message()); break;
                case 17: embedding = EmbeddingMessage.Read(reader.Message()); break;
                case 18: reasoning = ReadReasoning(reader.Message()); break;
            }

        if (embedding is not null)
            return new ReceivedRequest(
                null, embedding with { RequestId = requestId, ModelId = modelId, AccountId = accountId }, traceParent, traceState);
        if (prompt is null)
            throw new GenerationProtocolException("a request has no prompt");
        if (continuation is not null && continuation.Choices.Count != choices)
            throw new GenerationProtocolException("a request continues another number of choices than it has");
        return new ReceivedRequest(
            new GenerationRequest
            {
                RequestId = requestId,
                ModelId = modelId,
                AccountId = accountId,
                Prompt = prompt,
                Sampling = sampling,
                Stop = stop,
                Choices = choices,
                Format = format,
                ToolUse = toolUse,
                Reasoning = reasoning,
                Logprobs = logprobs,
                EchoPrompt = echo,
                TemplateTime = ticks is { } utc ? Time(utc, offset) : null,
                Continuation = continuation,
            },
            null,
            traceParent,
            traceState);
    }

    static OutputFormat ReadFormat(MessageReader reader)
    {
        var (kind, source) = (OutputFormatKind.JsonObject, "");
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: kind = (OutputFormatKind)reader.Int32("the kind of a format", 0, (int)OutputFormatKind.Choice); break;
                // Three bytes of UTF-8 at most for each code unit of UTF-16.
                case 2: source = reader.Text("a format", 3 * OutputFormat.MaxSourceLength); break;
            }

        return new OutputFormat(kind, source);
    }

    static ToolUse ReadToolUse(MessageReader reader)
    {
        var use = new ToolUse(ToolChoice.Auto) { IsParallel = false };
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: use = use with { Choice = (ToolChoice)reader.Int32("the choice of tools", 0, (int)ToolChoice.Required) }; break;
                case 2: use = use with { Name = reader.Text("a tool's name", GenerationProtocol.MaxNameBytes) }; break;
                case 3: use = use with { IsParallel = reader.Flag() }; break;
            }

        return use;
    }

    static ReasoningOptions ReadReasoning(MessageReader reader)
    {
        var options = new ReasoningOptions();
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: options = options with { IsWanted = reader.Int32("whether the model is to think", 0, 1) == 1 }; break;
                case 2: options = options with { MaxTokens = reader.Int32("the tokens of a train of thought", 1, int.MaxValue) }; break;
            }

        return options;
    }

    static DateTimeOffset Time(long utcTicks, int offsetMinutes)
    {
        // A day from both ends, so that no offset leaves the calendar.
        if (utcTicks < TimeSpan.TicksPerDay || utcTicks > DateTime.MaxValue.Ticks - TimeSpan.TicksPerDay)
            throw new GenerationProtocolException("a request's time is out of range");
        return new DateTimeOffset(utcTicks, TimeSpan.Zero).ToOffset(TimeSpan.FromMinutes(offsetMinutes));
    }

    static void Write(MessageWriter writer, int field, Continuation continuation)
    {
        var start = writer.Begin(field);
        foreach (var choice in continuation.Choices)
        {
            var inner = writer.Begin(1);
            writer.Numbers(1, choice.TokenIds);
            writer.Number(2, choice.TextLength);
            writer.Flag(3, choice.IsEchoed);
            writer.Flag(4, choice.IsFinished);
            writer.End(inner);
        }

        writer.End(start);
    }

    static Continuation ReadContinuation(MessageReader reader)
    {
        var choices = new List<ContinuedChoice>();
        while (reader.Next(out var field))
            if (field == 1)
            {
                if (choices.Count == GenerationRequest.MaxChoices)
                    throw new GenerationProtocolException("a request continues more choices than there may be");
                choices.Add(ReadChoice(reader.Message()));
            }

        return new Continuation(choices);
    }

    static ContinuedChoice ReadChoice(MessageReader reader)
    {
        var (tokens, choice) = (new List<int>(), new ContinuedChoice());
        while (reader.Next(out var field))
            switch (field)
            {
                case 1: reader.Numbers("a choice's tokens", 0, int.MaxValue, int.MaxValue, tokens); break;
                case 2: choice = choice with { TextLength = reader.Int32("a choice's text", 0, int.MaxValue) }; break;
                case 3: choice = choice with { IsEchoed = reader.Flag() }; break;
                case 4: choice = choice with { IsFinished = reader.Flag() }; break;
            }

        return choice with { TokenIds = tokens };
    }
}

/// <summary>A request of one of two kinds as it came, with its caller's trace (W3C).</summary>
readonly record struct ReceivedRequest(GenerationRequest? Request, EmbeddingRequest? Embedding, string? TraceParent, string? TraceState)
{
    public string RequestId => Request?.RequestId ?? Embedding!.RequestId;
}
