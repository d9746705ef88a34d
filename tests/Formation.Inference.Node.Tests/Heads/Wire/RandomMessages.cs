using System.Text.Json;

namespace Formation.Inference.Node.Tests.Heads.Wire;

/// <summary>Requests and events of all kinds with values from all their ranges, the same for the same seed.</summary>
sealed class RandomMessages(int seed)
{
    static readonly string[] Texts = ["", "a", "Grüße, 世界 😀", "line\nline\t\"quoted\" \0", new('x', 300), new('ß', 20_000)];
    static readonly string[] Documents =
    [
        "[]", "{}", "null", "3.14", "\"text\"", """[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"ü":{}}}}}]""",
    ];

    readonly Random _random = new(seed);

    public GenerationRequest Request()
    {
        var choices = _random.Next(5);
        return new GenerationRequest
        {
            RequestId = Text(200),
            ModelId = Text(200),
            AccountId = Text(200),
            Prompt = Prompt(),
            Choices = choices,
            Logprobs = Maybe() ? new LogprobOptions(_random.Next(21)) : null,
            EchoPrompt = Maybe(),
            TemplateTime = Maybe() ? new DateTimeOffset(_random.NextInt64(TimeSpan.TicksPerDay, DateTime.MaxValue.Ticks - TimeSpan.TicksPerDay), TimeSpan.Zero)
                .ToOffset(TimeSpan.FromMinutes(_random.Next(-840, 841))) : null,
            Format = Maybe() ? new OutputFormat((OutputFormatKind)_random.Next(5), Text(300)) : null,
            ToolUse = Maybe() ? new ToolUse((ToolChoice)_random.Next(2)) { Name = Maybe() ? Text(200) : null, IsParallel = Maybe() } : null,
            Reasoning = Maybe() ? new ReasoningOptions { IsWanted = Maybe() ? Maybe() : null, MaxTokens = Maybe() ? 1 + _random.Next(5000) : null } : null,
            Continuation = Maybe() ? new Continuation([.. Enumerable.Range(0, choices).Select(_ => new ContinuedChoice
            {
                TokenIds = Ids(200), TextLength = _random.Next(), IsEchoed = Maybe(), IsFinished = Maybe(),
            })]) : null,
            Sampling = new SamplingParams
            {
                Temperature = _random.NextSingle() * 2,
                TopK = _random.Next(3) * 40,
                TopP = Maybe() ? 1 : float.Epsilon,
                MinP = _random.NextSingle(),
                TypicalP = Maybe() ? 1 : 0.5f,
                RepetitionPenalty = 0.1f + _random.NextSingle() * 9,
                FrequencyPenalty = _random.NextSingle() * 4 - 2,
                PresencePenalty = _random.NextSingle() * 4 - 2,
                LogitBias = Maybe() ? Enumerable.Range(0, 1 + _random.Next(50)).ToDictionary(i => i * 7919, i => _random.NextSingle() * 200 - 100) : null,
                Seed = Maybe() ? _random.NextInt64() - _random.NextInt64() : null,
            },
            Stop = new StopConditions
            {
                MaxTokens = Maybe() ? _random.Next(1000) : null,
                MinTokens = _random.Next(3),
                Strings = [.. Enumerable.Range(0, _random.Next(4)).Select(_ => Text(300))],
                TokenIds = Ids(20),
                IgnoreEndOfGeneration = Maybe(),
                EndsAtContext = Maybe(),
            },
        };
    }

    public GenerationEvent Event() => _random.Next(5) switch
    {
        0 => new GenerationStarted(_random.Next())
        {
            MaxTokens = Maybe() ? _random.Next(2) * 1000 : null,
            ToolCalls = Maybe() ? new ToolCallSyntax(Text(300), Text(300), Text(300), Maybe() ? Text(300) : null, Text(300)) : null,
            Reasoning = Maybe() ? new ReasoningSyntax("<" + Text(300), "</" + Text(300), Text(300)) { IsOpen = Maybe() } : null,
        },
        1 => new GenerationFinished(_random.Next(128), (FinishReason)_random.Next(2), _random.Next())
        {
            StopString = Maybe() ? Text(300) : null,
            StopTokenId = Maybe() ? _random.Next(2) * 77 : null,
            CachedPromptTokens = _random.Next(),
            ReasoningTokens = _random.Next(),
            EndTokens = [.. Enumerable.Range(0, _random.Next(4)).Select(_ => Token())],
        },
        2 => new GenerationFailed(new GenerationError((GenerationErrorKind)_random.Next(7), "a reason")
        {
            Parameter = Maybe() ? "Prompt" : null,
            RetryAfter = Maybe() ? TimeSpan.FromMilliseconds(_random.Next(100_000)) : null,
        }),
        _ => new GenerationDelta(_random.Next(128), Text(int.MaxValue), [.. Enumerable.Range(0, _random.Next(4)).Select(_ => Token())])
        {
            TokenIds = Ids(50),
            IsEcho = Maybe(),
        },
    };

    Prompt Prompt() => _random.Next(4) switch
    {
        0 => new TextPrompt(Text(int.MaxValue)),
        1 => new TokenPrompt(Ids(5000)),
        2 => new InfillPrompt(Maybe() ? new TextPrompt(Text(int.MaxValue)) : new TokenPrompt(Ids(5000)), Text(int.MaxValue)),
        _ => Chat(opensTurn: Maybe()),
    };

    ChatPrompt Chat(bool opensTurn) => new([.. Enumerable.Range(0, 1 + _random.Next(5)).Select(_ => Message())])
    {
        Tools = Maybe() ? Json() : null,
        AddGenerationPrompt = opensTurn,
        AssistantPrefix = opensTurn && Maybe() ? Text(int.MaxValue) : (SensitiveText?)null,
        TemplateVariables = Maybe() ? Enumerable.Range(0, 1 + _random.Next(4)).ToDictionary(i => $"variable {i}", _ => Json()) : null,
    };

    ChatMessage Message() => new(Text(300), Maybe() ? new SensitiveText(Text(int.MaxValue)) : (SensitiveText?)null)
    {
        Name = Maybe() ? Text(300) : null,
        ReasoningContent = Maybe() ? Text(int.MaxValue) : (SensitiveText?)null,
        ToolCalls = Maybe() ? Json() : null,
        ToolCallId = Maybe() ? Text(300) : null,
    };

    TokenLogprob Token() => new(
        _random.Next(), Bytes(), Maybe() ? -_random.NextSingle() : null,
        [.. Enumerable.Range(0, _random.Next(21)).Select(_ => new TokenAlternative(_random.Next(), Bytes(), Maybe() ? float.NegativeInfinity : -1) { IsSpecial = Maybe() })])
    {
        IsSpecial = Maybe(),
    };

    byte[] Bytes()
    {
        var bytes = new byte[_random.Next(6)];
        _random.NextBytes(bytes);
        return bytes;
    }

    JsonElement Json()
    {
        using var document = JsonDocument.Parse(Documents[_random.Next(Documents.Length)]);
        return document.RootElement.Clone();
    }

    List<int> Ids(int most) => [.. Enumerable.Range(0, _random.Next(most)).Select(_ => _random.Next(1 << _random.Next(1, 31)))];

    string Text(int most) => Texts[_random.Next(Texts.Length)] is var text && text.Length <= most ? text : "short";

    bool Maybe() => _random.Next(2) == 0;
}
