using System.Text.Json;
using Formation.Inference.Gateway.Requests;

namespace Formation.Inference.Gateway.Formation.Deployments;

/// <summary>From the body of a request for a deployment to its terms, every value checked that can be without the model.</summary>
internal static class DeploymentMapping
{
    const int MaxPositions = 1 << 27;
    const int MaxSequences = 1 << 16;
    const int MaxMachines = 1024;
    const int MaxGroup = 8;
    const int MaxIdleSeconds = 365 * 24 * 3600;
    const int MaxEntries = 64;
    const int MaxTextLength = 64;

    internal static DeploymentTerms ToTerms(string model, DeploymentRequest body)
    {
        ParameterChecks.NoneUnknown(body.Unknown);
        var (replicas, most) = Replicas(body.Replicas);
        var (group, anyGroup) = Group(body.TensorParallel);
        return new DeploymentTerms(model)
        {
            ContextLength = Number("context", body.Context, 16, MaxPositions),
            Concurrency = Number("concurrency", body.Concurrency, 1, MaxSequences),
            Stages = Number("stages", body.Stages, 1, MaxMachines),
            TensorParallel = group,
            AnyTensorParallel = anyGroup,
            Replicas = replicas,
            MostReplicas = most,
            IdleAfter = TimeSpan.FromSeconds(Number("idle_seconds", body.IdleSeconds, 0, MaxIdleSeconds) ?? 0),
            Spares = Number("spares", body.Spares, 0, MaxMachines) ?? 0,
            Pins = Pins(body.Pins ?? []),
            Regions = Texts("regions", body.Regions),
            Labels = Texts("labels", body.Labels),
            TrustedOnly = body.TrustedOnly ?? false,
            KvFormat = ParameterChecks.OneOf("kv_format", body.KvFormat, "f16", "q8_0") ?? "f16",
            LinkPrecision = ParameterChecks.OneOf("link_precision", body.LinkPrecision, "f32", "bf16", "q8") ?? "f32",
        };
    }

    /// <summary>The name in a body of a part of the terms.</summary>
    internal static string? ParameterOf(string? part) => part switch
    {
        nameof(DeploymentTerms.ContextLength) => "context",
        nameof(DeploymentTerms.LinkPrecision) => "link_precision",
        nameof(DeploymentTerms.ModelId) => "model",
        _ => null,
    };

    /// <summary>A number that stays, or the bounds between which demand moves it.</summary>
    static (int? Number, int? Most) Replicas(JsonElement? value)
    {
        if (value is not { ValueKind: not JsonValueKind.Null } given)
            return (null, null);
        if (given.ValueKind == JsonValueKind.Number && given.TryGetInt64(out long number))
            return (Number("replicas", number, 1, MaxMachines), null);
        if (given.ValueKind != JsonValueKind.Object || given.EnumerateObject().Any(entry => entry.Name is not ("min" or "max"))
            || Bound(given, "min") is not { } min || Bound(given, "max") is not { } max)
            throw ParameterChecks.InvalidValue("replicas", "it is a whole number, or an object with the whole numbers min and max.");
        int least = (int)ParameterChecks.Integer("replicas.min", min, 1, MaxMachines)!;
        return (least, (int)ParameterChecks.Integer("replicas.max", max, least, MaxMachines)!);
    }

    /// <summary>A number of nodes, or whichever is fastest.</summary>
    static (int? Size, bool IsAny) Group(JsonElement? value)
    {
        if (value is not { ValueKind: not JsonValueKind.Null } given)
            return (null, false);
        if (given.ValueKind == JsonValueKind.String && given.ValueEquals("auto"))
            return (null, true);
        return given.ValueKind == JsonValueKind.Number && given.TryGetInt64(out long size)
            ? (Number("tensor_parallel", size, 1, MaxGroup), false)
            : throw ParameterChecks.InvalidValue("tensor_parallel", "it is a whole number, or \"auto\".");
    }

    static long? Bound(JsonElement range, string name) =>
        range.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : null;

    static IReadOnlyList<LayerPin> Pins(LayerPinObject[] pins)
    {
        ParameterChecks.Count("pins", pins.Length, 0, MaxMachines);
        var read = new List<LayerPin>();
        for (int i = 0; i < pins.Length; i++)
        {
            string path = $"pins[{i}]";
            if (pins[i] is not { Node: { Length: > 0 } node, First: { } first, Last: { } last } pin)
                throw ParameterChecks.InvalidValue(path, "a pin has a node, a first and a last layer.");
            ParameterChecks.NoneUnknown(pin.Unknown, path);
            ParameterChecks.Text($"{path}.node", node, MaxTextLength);
            ParameterChecks.Integer($"{path}.first", first, 0, 1 << 20);
            ParameterChecks.Integer($"{path}.last", last, first, 1 << 20);
            read.Add(new LayerPin(node, (int)first, (int)last));
        }

        return read;
    }

    static int? Number(string param, long? value, int minimum, int maximum) => (int?)ParameterChecks.Integer(param, value, minimum, maximum);

    static IReadOnlyList<string> Texts(string param, string[]? values)
    {
        ParameterChecks.Count(param, values?.Length ?? 0, 0, MaxEntries);
        foreach (string? value in values ?? [])
            if (value is not { Length: > 0 and <= MaxTextLength } || value.Any(char.IsControl))
                throw ParameterChecks.InvalidValue(param, $"each is a text of 1 to {MaxTextLength} characters.");
        return values ?? [];
    }
}
