using System.Text.Json.Serialization;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Models;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Cli.Models;

/// <summary>What <c>form models inspect</c> shows.</summary>
/// <param name="Supported">Whether this engine runs the model.</param>
/// <param name="Reason">Why it does not, or null.</param>
sealed record InspectReport(
    IReadOnlyList<string> Files,
    bool Supported,
    string? Reason,
    GgufSummary Model,
    IReadOnlyList<InspectedTensor> TensorList)
{
    public static InspectReport Of(GgufFile file)
    {
        var reason = ReasonAgainst(file);
        return new InspectReport(
            file.Paths,
            reason is null,
            reason,
            GgufSummary.Of(file),
            [.. file.Tensors.Select(tensor => new InspectedTensor(tensor.Name, tensor.Type, tensor.Dimensions, tensor.Data.Length))]);
    }

    private static string? ReasonAgainst(GgufFile file)
    {
        if (file.Tensors.Count == 0)
            return "the file has no weights; a vocabulary alone can tokenize";
        try
        {
            ModelConfig.Read(file);
        }
        catch (GgufException error)
        {
            return error.Message;
        }
        return file.Tensors.FirstOrDefault(tensor => !TensorTypeInfo.Of(tensor.Type).IsComputed) is { } unsupported
            ? $"tensor {unsupported.Name} is stored as {unsupported.Type}, which this engine does not compute with"
            : null;
    }
}

/// <summary>A tensor.</summary>
/// <param name="Shape">The fastest-running dimension first.</param>
sealed record InspectedTensor(string Name, TensorType Type, IReadOnlyList<long> Shape, long Bytes);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(InspectReport))]
sealed partial class InspectJson : JsonSerializerContext;
