using System.Text.Json.Serialization;
using Formation.Inference.Cluster.Placement;

namespace Formation.Inference.Cli.Planning;

/// <summary>What <c>form plan --json</c> writes.</summary>
/// <param name="Model">What is placed.</param>
/// <param name="Request">What was asked for.</param>
/// <param name="Nodes">The nodes that were weighed, in the form that <c>--nodes</c> reads.</param>
/// <param name="Result">The plan, others, and the reasons.</param>
sealed record PlanReport(PlannedModel Model, PlacementRequest Request, IReadOnlyList<DescribedNode> Nodes, PlacementResult Result);

/// <summary>The model of a plan.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Parameters">Number of weights.</param>
/// <param name="Layers">Transformer layers.</param>
/// <param name="WeightBytes">Bytes of all weights in memory.</param>
/// <param name="KvBytesPerPosition">Of all layers.</param>
/// <param name="KvFormat">How keys and values are stored.</param>
sealed record PlannedModel(string Id, long Parameters, int Layers, long WeightBytes, long KvBytesPerPosition, string KvFormat)
{
    public static PlannedModel Of(ModelShape model) => new(
        model.ModelId,
        model.ParameterCount,
        model.Layers.Count,
        model.EmbeddingBytes + model.OutputBytes + model.Layers.Sum(layer => layer.WeightBytes),
        model.Layers.Sum(layer => layer.KvBytesPerPosition),
        model.KvFormat);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(PlanReport))]
sealed partial class PlanJson : JsonSerializerContext;
