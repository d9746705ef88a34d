using Formation.Inference.Gateway.Errors;
using Formation.Inference.Gateway.Requests;
using static Formation.Inference.Gateway.Requests.ParameterChecks;

namespace Formation.Inference.Gateway.Formation.Requests;

/// <summary>Step 3 for Formation's part of a request: every wish honoured, or refused by name.</summary>
internal static class FormationMapping
{
    internal const string Name = "formation";
    const int MaxRegionLength = 64;
    const double LongestWay = 60_000;

    internal static RoutingRequirements? ToRouting(FormationFields? fields)
    {
        if (fields is null)
            return null;
        NoneUnknown(fields.Unknown, Name);
        Refuse($"{Name}.max_price", fields.MaxPrice, "This server has no prices yet.");
        Refuse($"{Name}.adapter", fields.Adapter, "This server has no adapters yet.");
        OneOf($"{Name}.confidentiality", fields.Confidentiality, "transport", "sealed", "attested");
        if (fields.Confidentiality is "sealed" or "attested")
            throw UnsupportedValue(
                $"{Name}.confidentiality", $"requests can't be '{fields.Confidentiality}' here yet: the gateway and the model's nodes see them. Send 'transport' where that is enough.");
        string? region = Text($"{Name}.region", fields.Region, MaxRegionLength);
        if (region?.Length == 0)
            throw InvalidValue($"{Name}.region", "a region has at least one character.");
        float? latency = Decimal($"{Name}.max_latency_ms", fields.MaxLatencyMs, 0, LongestWay, aboveMinimum: true);
        return new RoutingRequirements
        {
            Region = region,
            MaxRoundTrip = latency is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null,
            MinReplicas = (int)(Integer($"{Name}.min_redundancy", fields.MinRedundancy, 1, RoutingRequirements.MaxReplicas) ?? 1),
        };
    }

    /// <summary>Refuses the object where nothing is generated, so that there is nothing to say it of.</summary>
    internal static void NotHere(FormationFields? fields)
    {
        if (fields is not null)
            throw NotHere();
    }

    /// <summary>What an endpoint that does not have the object says of it.</summary>
    internal static ApiErrorException NotHere() => Unsupported(Name, "This endpoint does not have it yet.");

    /// <summary>The name of a part of <see cref="GenerationRequest.Routing"/>, or null for another part.</summary>
    internal static string? ParameterName(string part) => part switch
    {
        $"{nameof(GenerationRequest.Routing)}.{nameof(RoutingRequirements.Region)}" => $"{Name}.region",
        $"{nameof(GenerationRequest.Routing)}.{nameof(RoutingRequirements.MaxRoundTrip)}" => $"{Name}.max_latency_ms",
        $"{nameof(GenerationRequest.Routing)}.{nameof(RoutingRequirements.MinReplicas)}" => $"{Name}.min_redundancy",
        _ => null,
    };
}
