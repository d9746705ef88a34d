using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Embeddings;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Kernels.Dispatch;

namespace Formation.Inference.Engine.Serving;

/// <summary>How models are loaded.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>Tokens that prompt and completion may have together; null: the model's, up to <see cref="DefaultContextLimit"/>.</summary>
    public int? ContextLength { get; init; }

    /// <summary>How keys and values are stored. Default float16.</summary>
    public KvFormat KvFormat { get; init; } = KvFormat.F16;

    /// <summary>Bytes that one model may take: with less than it would like, it gets fewer KV blocks. Default: no limit.</summary>
    public long MemoryBytes { get; init; } = long.MaxValue;

    /// <summary>The engine that will run the model.</summary>
    public EngineOptions Engine { get; init; } = new();

    /// <summary>The layers that other machines compute, or null where all are here.</summary>
    public DistantLayers? Distant { get; init; }

    /// <summary>The machines that share each layer with this one, or null where there are none.</summary>
    public SharedLayers? Shared { get; init; }

    /// <summary>Wraps the layers that are computed here, for instance to time them, or null. What it returns is disposed in their place.</summary>
    public Func<IModelStage, IModelStage>? Watch { get; init; }

    /// <summary>The context of a model that has a longer one, where the operator asks for none.</summary>
    public const int DefaultContextLimit = 8192;
}

/// <summary>The last layers of a model, on other machines.</summary>
/// <param name="First">The first of them; those before it are here. The number of layers where all are here.</param>
/// <param name="BlockCount">KV blocks that every stage has memory for.</param>
/// <param name="Connect">
/// Connects to them, on the thread that loads: given the model's shape, waits until they are there. Ends with
/// <see cref="OperationCanceledException"/> where the load is cancelled.
/// </param>
public sealed record DistantLayers(int First, int BlockCount, Func<ModelConfig, CancellationToken, IModelStage> Connect);

/// <summary>All layers of a model that are computed here, each shared with other machines; this one leads them, and has the model's ends.</summary>
/// <param name="Members">Machines that share them, this one included.</param>
/// <param name="BlockCount">KV blocks that each of them has memory for.</param>
/// <param name="Connect">
/// Connects to the others, on the thread that loads: given the model's shape and what makes the stage of this machine's own share, waits until they
/// are there. Ends with <see cref="OperationCanceledException"/> where the load is cancelled.
/// </param>
public sealed record SharedLayers(
    int Members, int BlockCount, Func<ModelConfig, Func<ITensorExchange, IModelStage>, CancellationToken, IModelStage> Connect);

/// <summary>Makes servable models of GGUF files, on one device.</summary>
/// <param name="device">Where the models compute; outlives them.</param>
/// <param name="options">How they are loaded.</param>
public sealed class ModelLoader(IComputeDevice device, ModelLoadOptions options)
{
    // KV memory for this many positions of each running sequence; long sequences and short ones even out.
    const int PositionsPerSequence = 512;

    // With less than this a model is of no use, so the load is refused instead.
    const int FewestPositions = 256;

    const int BlockSize = KvCacheShape.DefaultBlockSize;

    readonly DraftModelLoader _drafts = new(device, options);

    /// <summary>Reads a model's header. Matches <see cref="MeasureModel"/>.</summary>
    public ModelFootprint Measure(ModelSource source) => Guard(() =>
    {
        using var file = GgufFile.Open(source.Path);
        using var draft = _drafts.Open(source);
        var config = ModelConfig.Read(file);
        var plan = MemoryPlan(file, config, draft);
        return new ModelFootprint(plan.Bytes, plan.ContextLength, file.Tensors.Sum(tensor => tensor.ElementCount))
        {
            EmbeddingWidth = config.Pooling.MakesVectors() ? config.HiddenSize : null,
        };
    });

    /// <summary>Loads a model. Matches <see cref="LoadModel"/>.</summary>
    public ServableModel Load(ModelSource source, IProgress<double> progress, CancellationToken cancellationToken) => Guard(() =>
    {
        var resources = new Stack<IDisposable>();
        try
        {
            var file = Own(GgufFile.Open(source.Path));
            var tokenizer = Tokenizer.FromGguf(file.Metadata);
            var (template, templateFault) = ReadTemplate(file.Metadata);
            var model = Own(LoadWeights(file, progress, cancellationToken));
            var draftFile = _drafts.Open(source) is { } opened ? Own(opened) : null;
            var plan = MemoryPlan(file, model.Config, draftFile);
            var maxRows = options.Engine.Scheduler.MaxRows;
            var head = Own(model.CreateHead(maxRows));
            var cache = model.KvShape(model.Part.Layers, plan.BlockCount, BlockSize, options.KvFormat);
            List<IModelStage> stages =
            [
                Own(options.Shared is { } shared
                    ? shared.Connect(model.Config, exchange => model.CreateStage(model.Part.Layers, cache, maxRows, exchange), cancellationToken)
                    : Watched(model.CreateStage(model.Part.Layers, cache, maxRows))),
            ];
            // Where one machine has all layers, there is nobody to connect to.
            if (options.Distant is { } distant && distant.First < model.Config.LayerCount)
                stages.Add(Own(distant.Connect(model.Config, cancellationToken)));
            var draft = draftFile is null ? null : Own(_drafts.Load(draftFile, tokenizer, plan.BlockCount, cancellationToken));
            return new ServableModel
            {
                Tokenizer = tokenizer,
                Template = template,
                TemplateFault = templateFault,
                TurnEnds = TurnEndsOf(file.Metadata, tokenizer),
                Pipeline = new Pipeline(head, stages, maxRows),
                Pooling = model.Config.Pooling,
                Draft = draft,
                Kernels = [.. file.Tensors.Where(tensor => tensor.Dimensions.Count > 1).Select(tensor => tensor.Type).Distinct().Select(LinearKernels.Of)],
                ContextLength = plan.ContextLength,
                BlockCount = plan.BlockCount,
                BlockSize = BlockSize,
                MemoryBytes = plan.Bytes,
                Resources = draftFile is null ? [model, file] : [model, file, draftFile],
            };
        }
        catch
        {
            while (resources.TryPop(out var resource))
                resource.Dispose();
            throw;
        }

        T Own<T>(T resource) where T : IDisposable
        {
            resources.Push(resource);
            return resource;
        }
    });

    IModelStage Watched(IModelStage stage) => options.Watch?.Invoke(stage) ?? stage;

    TransformerModel LoadWeights(GgufFile file, IProgress<double> progress, CancellationToken cancellationToken)
    {
        var part = ModelPart.Whole(ModelConfig.Read(file));
        if (options.Shared is { } shared)
            part = part with { Share = new TensorShare(0, shared.Members) };
        if (options.Distant is { } distant)
            part = part with { Layers = new LayerRange(0, distant.First) };
        return TransformerModel.LoadPart(file, part, device, progress, cancellationToken);
    }

    readonly record struct Plan(int ContextLength, int BlockCount, long Bytes);

    Plan MemoryPlan(GgufFile file, ModelConfig config, GgufFile? draftFile)
    {
        var scheduler = options.Engine.Scheduler;
        var context = Math.Min(config.ContextLength, options.ContextLength ?? ModelLoadOptions.DefaultContextLimit);
        // Where others hold their part of each block, how many there are was agreed on with them.
        if ((options.Shared?.BlockCount ?? options.Distant?.BlockCount) is { } agreed)
            return new Plan((int)Math.Min(context, (long)agreed * BlockSize), agreed, 0);
        var wanted = BlocksFor(Math.Max(context, (long)scheduler.MaxRunningSequences * Math.Min(context, PositionsPerSequence)));
        var fewest = BlocksFor(options.ContextLength is null ? Math.Min(context, FewestPositions) : context);
        var block = new KvCacheShape(config.LayerCount, config.KvHeadCount, config.HeadSize, 1, BlockSize, options.KvFormat);
        var draft = draftFile is null ? default : _drafts.Measure(draftFile);
        var bytesPerBlock = checked(block.BytesPerBlock + draft.BytesPerBlock);
        var fixedBytes = checked(file.Length + ScratchBytes(config, scheduler.MaxRows, options.Engine.MaxLogitsRows) + draft.FixedBytes);
        var affordable = (options.MemoryBytes - fixedBytes) / bytesPerBlock;
        var blocks = (int)Math.Max(fewest, Math.Min(wanted, affordable));
        return new Plan((int)Math.Min(context, (long)blocks * BlockSize), blocks, checked(fixedBytes + blocks * bytesPerBlock));
    }

    internal static long ScratchBytes(ModelConfig config, int maxRows, int maxLogitsRows)
    {
        var perRow = 5L * config.HiddenSize + 2L * config.QueryWidth + 2L * config.KvWidth + 2L * config.FeedForwardSize + config.HeadSize;

        // Logits in the head and in the engine, and the sampler's candidates, which are about eighteen floats each.
        var perToken = 16L + maxLogitsRows + 18;
        return checked(sizeof(float) * (perRow * maxRows + perToken * config.VocabularySize));
    }

    static long BlocksFor(long positions) => (positions + BlockSize - 1) / BlockSize;

    internal static (ChatTemplate? Template, string? Fault) ReadTemplate(GgufMetadata metadata)
    {
        if (metadata.FindString(TemplateKey) is not { } source)
            return (ChatTemplate.Default, null);
        try
        {
            return (ChatTemplate.Compile(source), null);
        }
        catch (TemplateException fault)
        {
            // The model is still good for plain completions.
            return (null, fault.Message);
        }
    }

    static IReadOnlyList<string> TurnEndsOf(GgufMetadata metadata, Tokenizer tokenizer) =>
        metadata.Contains(TemplateKey) || tokenizer.FindSpecial(ChatTemplate.DefaultEndOfTurn) is not null
            ? []
            : [ChatTemplate.DefaultEndOfTurn];

    const string TemplateKey = "tokenizer.chat_template";

    // What a file's fault says goes to the log; who sends a request learns the kind of fault and no path.
    static T Guard<T>(Func<T> load)
    {
        try
        {
            return load();
        }
        catch (GgufException fault)
        {
            throw new ModelLoadException($"its file can't be used ({fault.Kind}).", fault);
        }
        catch (OutOfMemoryException fault)
        {
            throw new ModelLoadException("this machine has not enough memory for it now.", fault);
        }
    }
}
