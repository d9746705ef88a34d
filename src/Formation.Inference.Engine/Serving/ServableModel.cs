using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.Grammars;
using Formation.Inference.Engine.Reasoning;
using Formation.Inference.Engine.Speculation.DraftModels;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Engine.Tools;
using Formation.Inference.Kernels.Dispatch;

namespace Formation.Inference.Engine.Serving;

/// <summary>A loaded model with all that serving it needs.</summary>
public sealed class ServableModel : IDisposable
{
    readonly Lazy<OutputGrammars> _grammars;
    readonly Lazy<ToolCallSyntax?> _ownToolCalls;
    readonly Lazy<ModelReasoning> _reasoning;

    public ServableModel()
    {
        _ownToolCalls = new Lazy<ToolCallSyntax?>(() => Template is null ? null : ToolCallProbe.Find(Template, Tokenizer!));
        _grammars = new Lazy<OutputGrammars>(() => new OutputGrammars(Tokenizer!, () => ToolCalls));
        _reasoning = new Lazy<ModelReasoning>(() => new ModelReasoning(Template, Tokenizer!));
    }

    public required Tokenizer Tokenizer { get; init; }

    /// <summary>What holds texts to formats.</summary>
    internal OutputGrammars Grammars => _grammars.Value;

    /// <summary>The model's train of thought.</summary>
    internal ModelReasoning Reasoning => _reasoning.Value;

    /// <summary>What it can do.</summary>
    internal ModelAbilities Abilities => ModelAbilitiesReader.Of(Template, Tokenizer, Reasoning.Syntax);

    /// <summary>How calls of tools stand in the model's text.</summary>
    internal ToolCallSyntax ToolCalls => _ownToolCalls.Value ?? ToolCallSyntax.Default;

    /// <summary>Whether the template shows tools to the model and knows calls; otherwise both are told in words (<see cref="ToolWords"/>).</summary>
    internal bool KnowsTools => _ownToolCalls.Value is not null;

    /// <summary>Turns a conversation into the text that the model knows; null where its own template is broken.</summary>
    public required ChatTemplate? Template { get; init; }

    /// <summary>What is wrong with the model's template, or null.</summary>
    public string? TemplateFault { get; init; }

    /// <summary>Texts that end a chat turn besides the request's own, for a vocabulary without a token for that.</summary>
    public IReadOnlyList<string> TurnEnds { get; init; } = [];

    /// <summary>Embedding, all layers, output head. Disposed with the model.</summary>
    public required Pipeline Pipeline { get; init; }

    /// <summary>How one vector is made of a text's hidden states.</summary>
    public Pooling Pooling { get; init; }

    /// <summary>The model that guesses this one's tokens, or null. Disposed with it.</summary>
    public DraftModel? Draft { get; init; }

    /// <summary>What multiplies the weights, for each of their formats.</summary>
    public IReadOnlyList<LinearKernel> Kernels { get; init; } = [];

    /// <summary>Tokens that prompt and completion may have together.</summary>
    public required int ContextLength { get; init; }

    /// <summary>KV blocks that every stage has memory for.</summary>
    public required int BlockCount { get; init; }

    /// <summary>Positions in a KV block.</summary>
    public required int BlockSize { get; init; }

    /// <summary>Memory that the model takes while it is loaded: weights, KV blocks, scratch.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>What the pipeline stands on (weights, files), disposed after it in this order.</summary>
    public IReadOnlyList<IDisposable> Resources { get; init; } = [];

    public void Dispose()
    {
        Draft?.Dispose();
        Pipeline.Dispose();
        foreach (var resource in Resources)
            resource.Dispose();
    }
}
