// What libtorch 2.10 drew on x86-64 with AVX2, for test_random.cpp: after torch.manual_seed(seed), the calls of a
// sequence in order, each with the bits of its first and last value and the FNV-1a hash of all its bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "talus/talus.h"

namespace golden {

enum class Op { Uniform, Normal, Integers, Bernoulli, Permutation };

struct Call {
  Op op;
  int dtype;
  int64_t n;
  double a, b;        // from and to, mean and std, p
  int64_t low, high;  // of Integers
};

struct Row {
  Call call;
  uint64_t first, last, hash;
};

struct Sequence {
  int64_t seed;
  std::vector<Row> rows;
};

constexpr int F32 = TALUS_FLOAT32, F64 = TALUS_FLOAT64, I64 = TALUS_INT64, I32 = TALUS_INT32, U8 = TALUS_UINT8;
constexpr int BOOL = TALUS_BOOL;

inline Call uniform(int dtype, int64_t n, double from, double to) { return {Op::Uniform, dtype, n, from, to, 0, 0}; }
inline Call normal(int dtype, int64_t n, double mean, double std) { return {Op::Normal, dtype, n, mean, std, 0, 0}; }
inline Call integers(int dtype, int64_t n, int64_t low, int64_t high) {
  return {Op::Integers, dtype, n, 0, 0, low, high};
}
inline Call bernoulli(int dtype, int64_t n, double p) { return {Op::Bernoulli, dtype, n, p, 0, 0, 0}; }
inline Call permutation(int64_t n) { return {Op::Permutation, I64, n, 0, 0, 0, 0}; }

inline const std::vector<Sequence>& sequences() {
  static const std::vector<Sequence> all = {
      {0,
       {
           {uniform(F32, 1, 0, 1), 0x3efe1558, 0x3efe1558, 0xa9231c5d75015352},
           {uniform(F32, 5, 0, 1), 0x3f44aa2f, 0x3f2252fb, 0x219a3c2bac36f0d3},
           {uniform(F32, 15, 0, 1), 0x3efaed86, 0x3f2e7de6, 0xf86d8d67e0c7def9},
           {uniform(F32, 16, 0, 1), 0x3f6a4a27, 0x3e551ff8, 0xa50a5ceaea2ce2e1},
           {uniform(F32, 17, 0, 1), 0x3f6e074f, 0x3f114ab9, 0x1455c3ab98e1d8eb},
           {uniform(F32, 31, 0, 1), 0x3f55d27f, 0x3f17f541, 0x7dcb7968211461af},
           {uniform(F32, 32, 0, 1), 0x3ed4dfce, 0x3ec0491e, 0x7f920a0c670ccd71},
           {uniform(F32, 100, 0, 1), 0x3f05c694, 0x3ddf05a0, 0xdf42789331b1f573},
           {uniform(F32, 1000, 0, 1), 0x3e73a50c, 0x3f371b6a, 0x9f40346b7bbc930},
           {uniform(F64, 1, 0, 1), 0x3fef4a4a5e30807b, 0x3fef4a4a5e30807b, 0x9ba2e40cf454146e},
           {uniform(F64, 5, 0, 1), 0x3fefbdc374de7cd6, 0x3f9d178319049a20, 0x207af5ee73e26594},
           {uniform(F64, 15, 0, 1), 0x3fe272b357e88528, 0x3fabc8625ceb8d80, 0xb27e5aa3d4e7f0e},
           {uniform(F64, 16, 0, 1), 0x3fd18bee2011d39e, 0x3fcc57f8975b2808, 0x89b4c1c60c601f5a},
           {uniform(F64, 17, 0, 1), 0x3fe6ad08af57dd0a, 0x3fca214478219268, 0xa71c33e05555a04d},
           {uniform(F64, 31, 0, 1), 0x3fe42fc64570c6af, 0x3fdb256ecef904e2, 0xe9433060626efc0d},
           {uniform(F64, 32, 0, 1), 0x3fe3a18b8630e9c3, 0x3f92699c1ba0a160, 0x4724fe4adde1001},
           {uniform(F64, 100, 0, 1), 0x3fcd9466c35d159c, 0x3fdbd0dfdd62bd20, 0x6ca3ffeed46dee38},
           {uniform(F64, 1000, 0, 1), 0x3fe76fc83724563b, 0x3fe77d13f79060fe, 0x7c65d872b413ab77},
           {normal(F32, 1, 0, 1), 0x3f3c8ed5, 0x3f3c8ed5, 0x4cc23e19ca84cf97},
           {normal(F32, 5, 0, 1), 0x3fde1613, 0xbf28dfeb, 0x244ec6b6abb6b8e8},
           {normal(F32, 15, 0, 1), 0xbf490fb5, 0xbec0371d, 0xdc32fff0049fbcc3},
           {normal(F32, 16, 0, 1), 0x3f22a7f8, 0x3eec4909, 0xe89c22eb9905bc7a},
           {normal(F32, 17, 0, 1), 0xbfc10b11, 0xbfa781a1, 0xd305d977a19b464a},
           {normal(F32, 31, 0, 1), 0xbf2fa029, 0xbea02378, 0x9342e341b3d1a0a3},
           {normal(F32, 32, 0, 1), 0x3f236bcd, 0x401e6965, 0x1202f6542a5d3f70},
           {normal(F32, 100, 0, 1), 0x3e70d2c0, 0x3f7a9ed1, 0xffc15bd98685be53},
           {normal(F32, 1000, 0, 1), 0xbe894623, 0x3ffadf27, 0x1e6c88d4b28b50aa},
           {normal(F64, 1, 0, 1), 0xbfd45029f5dd1c4b, 0xbfd45029f5dd1c4b, 0x8b62a7ae27b15e38},
           {normal(F64, 5, 0, 1), 0x3feeeb122b6c1a37, 0xbff01b6aa29f8bac, 0xca04422bfe896949},
           {normal(F64, 15, 0, 1), 0xbfdf6540c58413c1, 0x3ff8a9f53e11736b, 0xcdabc2990ceea042},
           {normal(F64, 16, 0, 1), 0xbfb2d5e8c591a662, 0xbff3f6914f84b209, 0xcbd462a5e6554a3c},
           {normal(F64, 17, 0, 1), 0x3ffeec8dde56b0b9, 0xbfd421fb20dcd130, 0x733267056be4b48b},
           {normal(F64, 31, 0, 1), 0x3fce9fde94932a4d, 0x3fda09fdf4a9d473, 0x5540e7a27de62c8f},
           {normal(F64, 32, 0, 1), 0xbfdbaad3ceb82bd0, 0xbfe03c747e564759, 0x9132e1fa05c0b86c},
           {normal(F64, 100, 0, 1), 0xc0014ddfb41c94ac, 0x3f9b8e79d4ceef4b, 0xcd54e43c4bb8a16a},
           {normal(F64, 1000, 0, 1), 0xbfd2c3ee496eaa6d, 0x3ff1cd29be77eedf, 0xd96a8a12e1879e1c},
       }},
      {42,
       {
           {bernoulli(I64, 17, 0.5), 0x1, 0x1, 0x12019c4d0b6d2284},
           {integers(I64, 5, 0, 10), 0x3, 0x2, 0x1e687f8bcb1f70f},
           {integers(I64, 16, 0, 10), 0x0, 0x6, 0x9ec3311862815eae},
           {integers(I64, 1000, 0, 10), 0x9, 0x2, 0x3841caf0274a284},
           {bernoulli(I32, 5, 1), 0x1, 0x1, 0xe513ec437a13fd84},
           {integers(I32, 5, 0, 10), 0x6, 0x8, 0x768cbf2c25fc3cfb},
           {integers(I32, 16, 0, 10), 0x2, 0x4, 0x393c7e7ccf53a64f},
           {integers(I32, 1000, 0, 10), 0x4, 0x0, 0x290e02a74980d7ec},
           {bernoulli(U8, 100, 0.9), 0x1, 0x1, 0xe31311124deb09a7},
           {integers(U8, 5, 0, 256), 0x5a, 0x5, 0x66df522e3c90ed6},
           {integers(U8, 16, 0, 256), 0xd7, 0xa9, 0xbc53c9be2c0e31ef},
           {integers(U8, 1000, 0, 256), 0x63, 0x41, 0xdf6c190f868ee415},
           {bernoulli(BOOL, 17, 0.5), 0x1, 0x1, 0x3537c9ce26a793e6},
           {integers(BOOL, 5, 0, 2), 0x1, 0x1, 0x6f6202b6f92d1e48},
           {integers(BOOL, 16, 0, 2), 0x1, 0x1, 0x396a4bee553571b9},
           {integers(BOOL, 1000, 0, 2), 0x1, 0x0, 0x2dfbd00c6b088cf3},
           {bernoulli(F32, 5, 1), 0x3f800000, 0x3f800000, 0x17263910e60ca9f8},
           {integers(F32, 5, 0, 10), 0x40400000, 0x40800000, 0xf23cdb8fe22de492},
           {integers(F32, 16, 0, 10), 0x3f800000, 0x40e00000, 0x4c3710b7e4d54dd5},
           {integers(F32, 1000, 0, 10), 0x40a00000, 0x3f800000, 0x81e45e7119fcbf48},
           {bernoulli(F64, 100, 0.9), 0x3ff0000000000000, 0x3ff0000000000000, 0xc7263e836c02c858},
           {integers(F64, 5, 0, 10), 0x4022000000000000, 0x401c000000000000, 0x61faef666eb38f05},
           {integers(F64, 16, 0, 10), 0x4014000000000000, 0x4008000000000000, 0xa56c9fa6d264b711},
           {integers(F64, 1000, 0, 10), 0x4018000000000000, 0x401c000000000000, 0xded7fe57019ac1d4},
           {integers(I64, 17, -5, 268435450), 0x1973836, 0x9642442, 0x63b491b1118875eb},
           {integers(I64, 17, -5, 268435451), 0xbe6ba2b, 0xb7d5241, 0xb075a4f9cadb73a},
           {integers(I64, 31, INT64_MIN, INT64_MAX), 0x29988c5b31e9e508, 0x88329f8439990ee, 0x4163ba7ba3527e26},
           {integers(I64, 100, 0, 4294967297), 0x4d63f9e3, 0xc9fec1be, 0x11c3d7a69ab43e09},
           {integers(I32, 100, -2147483648, 2147483648), 0xadea468e, 0xeb29d8b7, 0x6394ae6b8da5eb99},
           {integers(F32, 100, 0, 16777217), 0x4a0a8210, 0x4a60b658, 0x9af895de6169fa1d},
           {integers(F32, 100, -16777217, 16777300), 0xcb24bb60, 0xc98054d0, 0xb129503fbda1e630},
           {integers(F32, 100, 0, INT64_MAX), 0x5e8e93b7, 0x5def759c, 0x6162cfc42d5c1c70},
           {integers(F64, 100, -18014398509481985, 1152921504606846977), 0x43a7c32df8fc52d9, 0x4383af6a320aedca,
            0x5856455616f3383f},
           {integers(F64, 100, -7, 268435449), 0x41a6352872000000, 0x4195401d48000000, 0xb71ad09209478dbc},
           {permutation(0), 0x0, 0x0, 0xcbf29ce484222325},
           {permutation(1), 0x0, 0x0, 0xa8c7f832281a39c5},
           {permutation(2), 0x1, 0x0, 0x392209f14dea4c24},
           {permutation(5), 0x0, 0x2, 0x4fe3f97d7bb926c1},
           {permutation(16), 0xe, 0xd, 0x8001fc794dd68fe5},
           {permutation(100), 0xe, 0x60, 0x9cfd936f4e11d665},
           {permutation(1000), 0x338, 0x191, 0x8579f488f40f6b55},
       }},
      {-12345678901234,
       {
           {normal(F32, 5, 2, 3), 0x3eb59302, 0x40922304, 0xcbf2c8f983c62149},
           {uniform(F32, 100, -0.3, 0.7), 0x3f2340de, 0xbd94fec8, 0x78157b474e9750f3},
           {normal(F64, 3, 0, 1), 0x3ff39d8cc718aac9, 0xbff1035a3c41eee3, 0x6aab7a3a48c910cf},
           {normal(F32, 1000, -1.5, 0.02), 0xbfc221e5, 0xbfbcc56c, 0xd492bcc9bcf5a92d},
           {normal(F64, 5, -1.5, 0.02), 0xbff7fdc40e74c11c, 0xbff7c20318ae9432, 0x8276e07a987e6f61},
           {permutation(31), 0x4, 0x11, 0x1df056185cdabe1a},
           {normal(F32, 7, 0, 1), 0xbecd7b74, 0x3f84f790, 0x51a4b43ea66c7a90},
           {bernoulli(F32, 32, 0.3), 0x0, 0x3f800000, 0xa9acbdd99d731c55},
           {uniform(F64, 1000, -1e-3, 1e3), 0x405b3388979798cc, 0x407db8d845c6ba20, 0x42cf994684a047ee},
           {integers(I64, 15, -100, 100), 0x3d, 0x18, 0x5183e109bf66237d},
           {normal(F32, 700, 1e3, 1e-3), 0x447a000a, 0x4479fffa, 0x3ff44677606187b1},
           {normal(F64, 1000, 0.1, 2), 0x3fffaa51b94e699d, 0xbfe0c65fbc17a63d, 0x73f0d5325b5fb898},
           {normal(F32, 16, 0, 0), 0x0, 0x0, 0xb9b23f3a46fd0825},
           {normal(F64, 15, 4, 0), 0x4010000000000000, 0x4010000000000000, 0x3cf6c58c8c6a4535},
           {uniform(F32, 1000, -5.75, 1e6), 0x4967eb6f, 0x496bfcb6, 0x4e051f432693aae4},
           {uniform(F32, 15, 2, 2), 0x40000000, 0x40000000, 0xc5837b5868ddab95},
           {normal(F32, 513, 0, 1), 0x400ae13b, 0xbecc9914, 0x5731582c7884de12},
           {uniform(F64, 625, 0.1, 0.2), 0x3fc0bfff5746f2c3, 0x3fc8f45da68da08b, 0xa3ab17f9fb77e2be},
           {normal(F64, 1000, -0.7, 1.37), 0xc011426ae96127af, 0xbfd4ff8c79d70ddb, 0xc980fe80d091d7cc},
           {normal(F64, 15, -0.7, 1.37), 0xbffce726bd1fe6bb, 0xbfffe5e7c9e2a996, 0xfdd218b90783fd0a},
           {normal(F64, 14, 0.3, 0.77), 0x3fe7f87815b56b6f, 0xbfd77858aa018087, 0xba10f63d532d6b0},
           {normal(F64, 15, 2.2, 3.3), 0x400bbb6f9a8de9ed, 0x3ffabb94aa30a257, 0xfac5d7cda43ebb27},
           {normal(F32, 100000, 0.1, 1.1), 0xbf47f734, 0xbe29ea33, 0x32876797c7b640be},
       }},
  };
  return all;
}

// The float32 parameters of a network built after torch.manual_seed(0), in order: Conv2d(1, 6, 3), Conv2d(6, 16, 3),
// Linear(576, 120), Linear(120, 84), Linear(84, 10), each a weight, then a bias.
struct Parameter {
  int64_t fan_in, n;
  bool is_bias;
  uint64_t first, last, hash;
};

inline const std::vector<Parameter>& network() {
  static const std::vector<Parameter> all = {
      {9, 54, false, 0xbb238d56, 0x3d387260, 0x6e8bb1b0897825e6},
      {9, 6, true, 0x3e64dbfe, 0xbe3053c3, 0x35988d6fb1dd32f0},
      {54, 864, false, 0x3d7c34cb, 0x3daae799, 0x8810bf6d65da4eaa},
      {54, 16, true, 0x3db24486, 0xbe0390d3, 0x14bc55ef802d1542},
      {576, 69120, false, 0x3c188246, 0xbcd54a70, 0x976b691b6dd12dd1},
      {576, 120, true, 0xbc999b8b, 0xbb5cfcab, 0x225982e39f8a3601},
      {120, 10080, false, 0xbd04f0bb, 0x3db8a306, 0xc29d918b3e30f40a},
      {120, 84, true, 0xbc6422d5, 0x3d72303e, 0xef70a15da1202e1c},
      {84, 840, false, 0xbcc1a43b, 0x3daa3b91, 0xeae32b87a2dafcf8},
      {84, 10, true, 0xbcf34f84, 0xbd774798, 0x628749e31c3f9a1},
  };
  return all;
}

}  // namespace golden
