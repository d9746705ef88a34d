namespace Formation.Inference.Cluster.Placement.Costs;

/// <summary>Checks what a caller asks for. Inside these limits every sum of bytes fits 64 bits.</summary>
internal static class RequestRules
{
    private const int MostPositions = 1 << 27;
    private const int MostSequences = 1 << 16;
    private const int MostLayers = 1 << 12;
    private const int MostMachines = 1 << 10;

    /// <exception cref="ArgumentException">A value makes no sense; the message names it.</exception>
    public static void Check(ModelShape model, PlacementRequest request)
    {
        Check(model);
        Within(request.ContextLength, 1, MostPositions, "context");
        Within(request.Concurrency, 1, MostSequences, "concurrency");
        Within(request.PromptLength, 1, MostPositions, "prompt");
        Within(request.MaxPrefillTokens, 1, MostSequences, "prefill tokens");
        Within(request.Spares, 0, MostMachines, "spares");
        Within(request.Stages ?? 1, 1, MostMachines, "stages");
        Within(request.Replicas ?? 1, 1, MostMachines, "replicas");
        if (!(request.LeastGain >= 0 && request.LeastGain <= 10))
            throw new ArgumentException($"a least gain of {request.LeastGain} is not from 0 to 10", nameof(request));
        if (!Enum.IsDefined(request.LinkPrecision))
            throw new ArgumentException($"there is no link precision {request.LinkPrecision}", nameof(request));
        foreach (var pin in request.Pins)
        {
            if (pin.Layers.First < 0 || pin.Layers.Count < 1 || (long)pin.Layers.First + pin.Layers.Count > model.Layers.Count)
                throw new ArgumentException(
                    $"{pin.Node} is pinned to {pin.Layers}, and the model has layers 0-{model.Layers.Count - 1}", nameof(request));
        }
        if (request.Pins.Count > 0 && request.Replicas > 1)
            throw new ArgumentException("pins say where one replica lies; they can't be given with several replicas", nameof(request));
        if (request.Pins.Select(pin => pin.Node).Distinct(StringComparer.Ordinal).Count() < request.Pins.Count)
            throw new ArgumentException("a node is pinned twice; a stage is one range", nameof(request));
        var ordered = request.Pins.OrderBy(pin => pin.Layers.First).ToArray();
        for (var i = 1; i < ordered.Length; i++)
        {
            if (ordered[i].Layers.First < ordered[i - 1].Layers.End)
                throw new ArgumentException(
                    $"{ordered[i - 1].Node} and {ordered[i].Node} are both pinned to layer {ordered[i].Layers.First}", nameof(request));
        }
        if (request.Stages < request.Pins.Count)
            throw new ArgumentException($"{request.Pins.Count} nodes are pinned and {request.Stages} stages asked for", nameof(request));
        RequireSumsThatFit(model, request);
    }

    private static void Check(ModelShape model)
    {
        Within(model.Layers.Count, 1, MostLayers, "layers");
        Within(model.HiddenSize, 1, 1 << 24, "hidden size");
        Within(model.KvHeadCount, 1, 1 << 16, "KV heads");
        Within(model.KvBlockSize, 1, 1 << 16, "positions of a KV block");
        long[] sizes =
        [
            model.EmbeddingBytes, model.OutputBytes, model.OutputReadBytes, model.OutputMultiplyAdds, model.ScratchBytesPerRow,
            model.HeadScratchBytesPerRow, model.HeadScratchBytes,
            .. model.Layers.SelectMany(layer => new[]
            {
                layer.WeightBytes, layer.KvBytesPerPosition, layer.MultiplyAdds, layer.AttentionMultiplyAdds,
            }),
        ];
        if (sizes.Any(size => size is < 0 or > 1L << 50))
            throw new ArgumentException("a size of the model is negative or absurd", nameof(model));
    }

    private static void RequireSumsThatFit(ModelShape model, PlacementRequest request)
    {
        Int128 positions = ((Int128)request.ContextLength + model.KvBlockSize) * request.Concurrency;
        Int128 rows = (Int128)request.Concurrency + request.MaxPrefillTokens;
        Int128 most = model.EmbeddingBytes + (Int128)model.OutputBytes + model.HeadScratchBytes
            + (rows * (model.ScratchBytesPerRow + (Int128)model.HeadScratchBytesPerRow + ((Int128)sizeof(float) * model.HiddenSize * MostMachines)))
            + (positions * sizeof(float) * model.HiddenSize);
        foreach (var layer in model.Layers)
            most += layer.WeightBytes + (positions * layer.KvBytesPerPosition);
        if (most > long.MaxValue / 4 || positions / model.KvBlockSize > int.MaxValue)
            throw new ArgumentException($"{request.Concurrency} sequences of {request.ContextLength} positions need more bytes than can be counted", nameof(request));
    }

    private static void Within(int value, int least, int most, string name)
    {
        if (value < least || value > most)
            throw new ArgumentException($"{name}: {value} is not from {least} to {most}");
    }
}
