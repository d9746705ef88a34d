using System.Security.Cryptography;
using Formation.Inference.Cluster.Deployments;
using Formation.Inference.Engine.Gguf;
using Formation.Inference.Kernels.Attention;
using Formation.Inference.Node.Weights;

namespace Formation.Inference.Cli.Hosting;

/// <summary>The models of this server as deployments know them.</summary>
sealed class DeployableModels(ServedModels models)
{
    /// <inheritdoc cref="ReadModel"/>
    public async Task<DeployedModel?> ReadAsync(string modelId, string kvFormat, CancellationToken cancellationToken)
    {
        if (models.PathOf(modelId) is not { } path)
            return null;
        try
        {
            using var file = GgufFile.Open(path);
            var shape = ModelShapes.Of(file, modelId, kvFormat == "q8_0" ? KvFormat.Q8_0 : KvFormat.F16);
            await using var stream = File.OpenRead(path);
            var digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
            return new DeployedModel(digest, path, File.GetLastWriteTimeUtc(path), shape);
        }
        catch (Exception error) when (error is GgufException or OverflowException or IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"its file can't be used: {error.Message}", error);
        }
    }
}
