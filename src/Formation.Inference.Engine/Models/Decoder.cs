using Formation.Inference.Engine.Devices;
using Formation.Inference.Engine.Layers;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Engine.Models;

/// <summary>
/// One layer of a pre-norm decoder, for every architecture in <see cref="Architecture.All"/>:
/// <code>
/// n = RMSNorm(x)
/// x = x + Wo Attention(RoPE(Wq n), RoPE(Wk n), Wv n)
/// n = RMSNorm(x)
/// x = x + Wdown (silu(Wgate n) · Wup n)
/// </code>
/// </summary>
/// <remarks>
/// A member of a group that shares each layer has some of the heads and of the feed-forward layer's values. What it computes with Wo and
/// Wdown is then a part of the sum, and all members add it up before it goes into x, which is the same everywhere.
/// </remarks>
/// <param name="config">With the sizes of this member.</param>
/// <param name="exchange">Reaches the other members, or null where there are none.</param>
internal sealed class Decoder(ModelConfig config, IComputeDevice device, ITensorExchange? exchange)
{
    /// <summary>Replaces the workspace's hidden states by the layer's output.</summary>
    /// <param name="layer">The layer's parameters.</param>
    /// <param name="index">Index of the layer in the cache.</param>
    public void Forward(DecoderLayer layer, int index, DeviceKvCache cache, DeviceBatch batch, DecoderWorkspace work)
    {
        Attend(layer, index, cache, batch, work);
        FeedForward(layer, batch, work);
    }

    private void Attend(DecoderLayer layer, int index, DeviceKvCache cache, DeviceBatch batch, DecoderWorkspace work)
    {
        device.RmsNorm(work.Hidden, layer.AttentionNorm, config.NormEpsilon, work.Normed);
        device.Linear([To(layer.Query, work.Queries), To(layer.Key, work.Keys), To(layer.Value, work.Values)], work.Normed, batch);
        if (layer.QueryNorm is { } queryNorm)
            device.RmsNorm(work.Queries, queryNorm, config.NormEpsilon, work.Queries);
        if (layer.KeyNorm is { } keyNorm)
            device.RmsNorm(work.Keys, keyNorm, config.NormEpsilon, work.Keys);
        device.Rotate(work.Queries, config.HeadSize, work.Angles, config.Architecture.RotaryPairing);
        device.Rotate(work.Keys, config.HeadSize, work.Angles, config.Architecture.RotaryPairing);
        device.StoreKv(cache, index, work.Keys, work.Values, batch);
        device.Attention(cache, index, work.Queries, config.AttentionScale, config.SlidingWindow, batch, work.Attended);
        AddToHidden(layer.AttentionOutput, work.Attended, batch, work);
    }

    private void FeedForward(DecoderLayer layer, DeviceBatch batch, DecoderWorkspace work)
    {
        device.RmsNorm(work.Hidden, layer.FeedForwardNorm, config.NormEpsilon, work.Normed);
        device.GatedLinear(To(layer.Gate, work.Gated), To(layer.Up, work.Gated), work.Normed, batch);
        AddToHidden(layer.Down, work.Gated, batch, work);
    }

    private void AddToHidden(LinearLayer layer, DeviceMatrix x, DeviceBatch batch, DecoderWorkspace work)
    {
        if (exchange is null)
        {
            device.AddLinear(To(layer, work.Hidden), x, batch);
            return;
        }
        // The normed states were read by what made x, and are not needed again.
        var partial = work.Normed;
        var values = work.Exchanged;
        device.Linear([To(layer, partial)], x, batch);
        device.Read(partial, values);
        exchange.Sum(values);
        device.Write(values, partial);
        device.Add(partial, work.Hidden);
    }

    private static LinearOperation To(LinearLayer layer, DeviceMatrix y) => new(layer.Weight, layer.Bias, y);
}
