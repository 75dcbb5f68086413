// Keys and tokens for a nats-server of a test: made of seeds of equal bytes, valid for ever.
#pragma once

#include <string>
#include <string_view>

#include "base/text.h"

namespace reliant::tests {

// A user's NKey: the seed that the client keeps, and the public key that the server is configured with.
inline constexpr std::string_view kNatsSeed = "SUAAGAYDAMBQGAYDAMBQGAYDAMBQGAYDAMBQGAYDAMBQGAYDAMBQGA6BEM";
inline constexpr std::string_view kNatsUser = "UDWUSKGGFDI4FRXK5EBTRECZSVQSSWJHHJOGH6JWG3AUMFFMQ435C2U4";

// The same user in operator mode: the operator vouches for the account, the account for the user.
inline constexpr std::string_view kNatsAccount = "ACATS5YOVB6ROX2WUNKGNQ2MP3GMXDMKSG2O4N5CLX3A6W4PZGZZIL2R";
inline constexpr std::string_view kNatsOperatorJwt =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJuYW1lIjoiTyIsInN1YiI6Ik9DRklSWTY1T1FFN0RGUDVLTE5TM"
    "lBGMkxWWk1VWllKWDRPWklFUTM2TjJJUUFOVUI1WFZZT0NTIiwibmF0cyI6eyJ0eXBlIjoib3BlcmF0b3IiLCJ2ZXJzaW9uIjoyf"
    "SwiaXNzIjoiT0NGSVJZNjVPUUU3REZQNUtMTlMyUEYyTFZaTVVaWUpYNE9aSUVRMzZOMklRQU5VQjVYVllPQ1MiLCJpYXQiOjE3M"
    "DAwMDAwMDAsImp0aSI6IkoyQkZYS0ZRNkE2U0lBUkk1VDZHWE1aT1hXSldEWFRORVdKS0ZORFVNNVpBM0ZWN0s1WFEifQ.9kyvri"
    "j82r7xsSjcz7ncTs0HXJZVedTbuc1VhIkIRFT6vLz-igCi0OYtbrDSLVsQC9LgQz2jskB2hfpXwsRKCA";
inline constexpr std::string_view kNatsAccountJwt =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJuYW1lIjoiQSIsInN1YiI6IkFDQVRTNVlPVkI2Uk9YMldVTktHT"
    "lEyTVAzR01YRE1LU0cyTzRONUNMWDNBNlc0UFpHWlpJTDJSIiwibmF0cyI6eyJ0eXBlIjoiYWNjb3VudCIsInZlcnNpb24iOjIsI"
    "mxpbWl0cyI6eyJzdWJzIjotMSwiZGF0YSI6LTEsInBheWxvYWQiOi0xLCJpbXBvcnRzIjotMSwiZXhwb3J0cyI6LTEsIndpbGRjY"
    "XJkcyI6dHJ1ZSwiY29ubiI6LTEsImxlYWYiOi0xfX0sImlzcyI6Ik9DRklSWTY1T1FFN0RGUDVLTE5TMlBGMkxWWk1VWllKWDRPW"
    "klFUTM2TjJJUUFOVUI1WFZZT0NTIiwiaWF0IjoxNzAwMDAwMDAwLCJqdGkiOiJVSlFMQ1JNWUlBV0JSWENIVkszT1lPU0U3SEc3U"
    "EZaVVZaWEtYT1NGMzU2UUg0N0lYUE1BIn0.6LTcZtTlczacKr5RW-W7QuRiOdhJKNVscp-Bvfi6wI7cX_JekV6ikohds4Ftz45Ni"
    "B70swwGU1KuParpkFejCQ";
inline constexpr std::string_view kNatsUserJwt =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJuYW1lIjoiVSIsInN1YiI6IlVEV1VTS0dHRkRJNEZSWEs1RUJUU"
    "kVDWlNWUVNTV0pISEpPR0g2SldHM0FVTUZGTVE0MzVDMlU0IiwibmF0cyI6eyJ0eXBlIjoidXNlciIsInZlcnNpb24iOjIsInN1Y"
    "nMiOi0xLCJkYXRhIjotMSwicGF5bG9hZCI6LTEsInB1YiI6e30sInN1YiI6e319LCJpc3MiOiJBQ0FUUzVZT1ZCNlJPWDJXVU5LR"
    "05RMk1QM0dNWERNS1NHMk80TjVDTFgzQTZXNFBaR1paSUwyUiIsImlhdCI6MTcwMDAwMDAwMCwianRpIjoiSEZWVUJKU1E2VkhTN"
    "FVUUUdRS0hPVFdWVUxZNTdLRzZPR0lUS1JMRzUzT1RXSTRVQzVEUSJ9.2MT-0f_DogZowUP7C4OB-Ywf-zjIUYogdsRPDMKFrw7V"
    "w5KFZUnlKZiFPUPor-98ATxqsIg9hGtrkZjzWb9DCg";

// Lines of the configuration of a server that knows this operator and account only.
inline std::string nats_operator_mode() {
  return concat("operator: \"", kNatsOperatorJwt, "\"\nresolver: MEMORY\nresolver_preload: { ", kNatsAccount, ": \"",
                kNatsAccountJwt, "\" }\n");
}

// A .creds file, as nsc writes it.
inline std::string nats_credentials(std::string_view seed = kNatsSeed) {
  return concat("-----BEGIN NATS USER JWT-----\n", kNatsUserJwt,
                "\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n", seed,
                "\n------END USER NKEY SEED------\n");
}

}  // namespace reliant::tests
